//! Documented codes as words.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StringBuilder};

use super::super::cell::cell;
use super::columns::Column;
use crate::cli::ExportWords;

/// The column with its documented values as words; others stay as their text.
///
/// `None` for a column whose values cannot be read as text.
pub(super) fn in_words(column: &Column, values: &ArrayRef) -> Option<ArrayRef> {
    let Some((codes, words)) = column.words else { return Some(Arc::clone(values)) };
    let mut builder = StringBuilder::new();
    let mut text = String::new();
    for row in 0..values.len() {
        if values.is_null(row) {
            builder.append_null();
            continue;
        }
        text.clear();
        cell(values.as_ref(), row)?.write_text(&mut text).ok()?;
        let word = codes.iter().find(|code| code.value == text).map(|code| match words {
            ExportWords::Zh => code.zh,
            ExportWords::En => code.en,
        });
        builder.append_value(word.unwrap_or(&text));
    }
    Some(Arc::new(builder.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray as _, BooleanArray, Int64Array};
    use arrow::datatypes::{DataType, Field};
    use wdt_models::Code;

    use super::*;

    const CODES: &[Code] = &[Code::new("0", "未启用", "not enabled"), Code::new("true", "是", "yes")];

    fn words(values: ArrayRef, words: Option<ExportWords>) -> ArrayRef {
        let column = Column {
            name: "status".to_owned(),
            label: "status".to_owned(),
            field: Field::new("status", DataType::Utf8, true),
            id: false,
            words: words.map(|words| (CODES, words)),
        };
        in_words(&column, &values).unwrap_or(values)
    }

    #[test]
    fn documented_values_become_words_and_others_stay() {
        let numbers = || Arc::new(Int64Array::from(vec![Some(0), None, Some(7)])) as ArrayRef;
        let found = words(numbers(), Some(ExportWords::Zh));
        assert_eq!(found.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("未启用"), None, Some("7")]);
        let flags = words(Arc::new(BooleanArray::from(vec![true, false])), Some(ExportWords::En));
        assert_eq!(flags.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("yes"), Some("false")]);
        assert_eq!(&words(numbers(), None), &numbers());
    }
}
