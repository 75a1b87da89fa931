//! The signing schemes against values that their platforms publish.

use wdt_models::Gateway;
use wdt_sign::{Secret, enterprise, flagship, top};

/// Whether the gateway's signing scheme gives the published signature of the platform's worked example.
///
/// No configuration and no secret of a user is needed.
#[must_use]
pub fn self_test(gateway: Gateway) -> bool {
    match gateway {
        Gateway::Enterprise => enterprise_example() == "ad4e6fe037ea6e3ba4768317be9d1309",
        Gateway::Flagship => flagship_example() == "20f557aaf9190797c581bbceeb6d5a5c",
        Gateway::Top => top_example() == "66987CB115214E59E6EC978214934FB8",
    }
}

/// The sign guide's example.
fn enterprise_example() -> String {
    let params = [
        ("appkey", "test2-xx"),
        ("sid", "test2"),
        ("timestamp", "1470042310"),
        ("page_no", "0"),
        ("page_size", "40"),
        ("start_time", "2016-08-01 12:00:00"),
        ("end_time", "2016-08-01 13:00:00"),
    ];
    enterprise::sign(&enterprise::string_to_sign(&params), &Secret::new("12345"))
}

/// The sign page's example.
fn flagship_example() -> String {
    let params = [
        ("sid", "wdterp30"),
        ("key", "czhc"),
        ("salt", "dd488d0802b1e431e4c72cd355847853"),
        ("method", "wms.stockout.Sales.weighingExt"),
        ("v", "1.0"),
        ("timestamp", "232623153"),
    ];
    let body = r#"["xc109393939393939","",1.2,0,false]"#;
    flagship::sign(&flagship::string_to_sign(&params, body), &Secret::new("693f9fed686bfe13441385da98b436b6"))
}

/// The example of document 101617. It is by `md5`, the only method with a published value.
fn top_example() -> String {
    let params = [
        ("method", "taobao.item.seller.get"),
        ("app_key", "12345678"),
        ("session", "test"),
        ("timestamp", "2016-01-01 12:00:00"),
        ("format", "json"),
        ("v", "2.0"),
        ("sign_method", "md5"),
        ("fields", "num_iid,title,nick,price,num"),
        ("num_iid", "11223344"),
    ];
    top::sign(&top::string_to_sign(&params), &Secret::new("helloworld"), top::SignMethod::Md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_gives_its_published_signature() {
        for &gateway in Gateway::ALL {
            assert!(self_test(gateway), "{gateway}");
        }
    }
}
