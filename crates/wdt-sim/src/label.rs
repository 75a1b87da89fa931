//! Texts made from the number of what a row is about.

/// A text made from a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    GoodsName,
    SpecName,
    BrandNo,
    BrandName,
    GoodsNo,
    SpecNo,
    Barcode,
    PlatformId,
    Picture,
    Remark,
    Province,
    Person,
    Phone,
    Address,
    Email,
    Other,
}

impl Label {
    /// The label that fits a text column of that name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "goods_name" | "api_goods_name" | "merchant_name" => Self::GoodsName,
            "spec_name" | "api_spec_name" | "merchant_code" => Self::SpecName,
            "brand_no" => Self::BrandNo,
            "brand_name" => Self::BrandName,
            "goods_no" | "outer_id" => Self::GoodsNo,
            "spec_no" | "spec_outer_id" | "merchant_no" | "match_code" => Self::SpecNo,
            "barcode" => Self::Barcode,
            "api_goods_id" | "api_spec_id" | "goods_id" | "spec_id" => Self::PlatformId,
            "img_url" | "pic_url" => Self::Picture,
            "remark" | "disabled_reason" => Self::Remark,
            "province" => Self::Province,
            _ => Self::Other,
        }
    }

    /// The label that fits a column of that name about a person.
    pub(crate) fn of_person(name: &str) -> Self {
        let has = |word: &str| name.contains(word);
        match () {
            () if has("mobile") || has("tel") || has("phone") || has("zip") => Self::Phone,
            () if has("address") => Self::Address,
            () if has("mail") => Self::Email,
            () => Self::Person,
        }
    }

    /// The text.
    pub(crate) fn text(self, number: u64) -> String {
        let one = |texts: &[&str]| texts[index(number, texts.len())].to_owned();
        match self {
            Self::GoodsName => goods_name(number),
            Self::SpecName => format!("{}色/{}码", one(&["黑", "白", "青", "棕"]), 34 + number % 12),
            Self::BrandNo => format!("BD{:012}", number % 40),
            Self::BrandName => one(&["旺店通", "森屿", "O'Neill & Söhne", "初雪❄"]),
            Self::GoodsNo => format!("00{number}"),
            Self::SpecNo => format!("SKU{number:07}"),
            Self::Barcode => format!("0{}", BARCODES + number),
            Self::PlatformId => format!("{number:019}"),
            Self::Picture => format!("http://img.example.com/sku/{number}.jpg"),
            Self::Remark => one(&["", "易碎品\t轻放", "第1行\n第2行", "尺寸 10\"×4\" \\ 已质检"]),
            Self::Province => one(&["浙江省", "广东省", "北京", ""]),
            Self::Person => one(&["张三", "李四", "王五"]),
            Self::Phone => format!("0100000{number:04}"),
            Self::Address => format!("示例路{number}号"),
            Self::Email => format!("nobody{number}@example.com"),
            Self::Other if number.is_multiple_of(3) => format!("0{number}"),
            Self::Other => String::new(),
        }
    }

    /// The number a SKU code or barcode was made from.
    pub(crate) fn number(self, text: &str) -> Option<u64> {
        let number = match self {
            Self::SpecNo => text.strip_prefix("SKU")?.parse().ok()?,
            Self::Barcode => text.parse::<u64>().ok()?.checked_sub(BARCODES)?,
            _ => return None,
        };
        (self.text(number) == text).then_some(number)
    }
}

const BARCODES: u64 = 690_000_000_000;

fn goods_name(number: u64) -> String {
    let what = ["手持终端", "纯棉T恤", "保温杯", "蓝牙耳机", "儿童雨衣"][index(number, 5)];
    let mark = if number.is_multiple_of(8) { "🔥" } else { "" };
    format!("{what}{mark}{}号", number / 8)
}

fn index(number: u64, len: usize) -> usize {
    usize::try_from(number).unwrap_or(0) % len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_number() {
        for kind in [Label::SpecNo, Label::Barcode] {
            assert_eq!(kind.number(&kind.text(12_345)), Some(12_345));
        }
        assert_eq!(Label::SpecNo.number("SKU12345"), None, "the padding is part of the code");
    }
}
