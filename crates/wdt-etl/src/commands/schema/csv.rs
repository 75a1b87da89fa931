//! The columns as CSV (RFC 4180, UTF-8): a line a column.

use std::io::{self, Write};

use wdt_models::Endpoint;

use super::described::{DescribedColumn, chosen, columns};

const HEAD: [&str; 12] =
    ["dataset", "column", "type", "zh", "en", "unit", "key", "cursor", "volatile", "personal", "required", "codes"];

/// The columns of one dataset, or of all.
pub(super) fn write(endpoint: Option<&'static Endpoint>, out: &mut dyn Write) -> io::Result<()> {
    write_line(&HEAD.map(str::to_owned), out)?;
    for endpoint in chosen(endpoint) {
        columns(endpoint).iter().try_for_each(|column| write_line(&line(endpoint, column), out))?;
    }
    Ok(())
}

fn line(endpoint: &Endpoint, column: &DescribedColumn) -> [String; 12] {
    let field = column.field;
    let codes: Vec<_> = field.codes.iter().map(|code| format!("{}={} | {}", code.value, code.zh, code.en)).collect();
    let texts = [endpoint.dataset, &column.name, field.kind.name(), field.zh, field.en, field.unit.unwrap_or_default()];
    let marks = [column.key, column.cursor, field.volatile, field.personal, field.required];
    let [dataset, name, kind, zh, en, unit] = texts.map(str::to_owned);
    let [key, cursor, volatile, personal, required] = marks.map(|holds| holds.to_string());
    [dataset, name, kind, zh, en, unit, key, cursor, volatile, personal, required, codes.join("; ")]
}

fn write_line(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
    writeln!(out, "{}", cells.join(","))
}

/// A cell, in quotes where it contains what would end it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_models::endpoints;

    use super::super::tests::printed;
    use super::*;
    use crate::cli::SchemaFormat;

    /// Reads CSV back: a reader of its own, so that a fault of the writer shows.
    fn parsed(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell, mut inside) = (Vec::new(), Vec::new(), String::new(), false);
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '"' if inside && characters.peek() == Some(&'"') => cell.extend(characters.next()),
                '"' => inside = !inside,
                ',' if !inside => row.push(std::mem::take(&mut cell)),
                '\n' if !inside => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                _ => cell.push(c),
            }
        }
        rows
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(
            [quoted("a b"), quoted("a,b"), quoted("a\"b"), quoted("a\nb")],
            ["a b", "\"a,b\"", "\"a\"\"b\"", "\"a\nb\""]
        );
    }

    #[test]
    fn every_column_of_every_dataset_is_read_back() {
        let rows = parsed(&printed(None, SchemaFormat::Csv, false));
        assert_eq!(rows[0].join(","), "dataset,column,type,zh,en,unit,key,cursor,volatile,personal,required,codes");
        let mut read = rows[1..].iter();
        for endpoint in endpoints::ALL {
            for column in columns(endpoint) {
                assert_eq!(read.next().unwrap().as_slice(), line(endpoint, &column), "{}", column.name);
            }
        }
        assert!(read.next().is_none());
    }

    #[test]
    fn marks_and_codes_have_columns_of_their_own() {
        let text = printed(Some("enterprise_stock"), SchemaFormat::Csv, false);
        assert!(
            text.contains(
                "\nenterprise_stock,warehouse_id,bigint,仓库主键id,warehouse id,,true,false,false,false,true,\n"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "\nenterprise_stock,alarm_days,bigint,警戒库存计算天数,days the alert stock is computed from,days,"
            ),
            "{text}"
        );
        let text = printed(Some("cainiao_inventory"), SchemaFormat::Csv, false);
        assert!(text.contains(",true,1=汇总库存 | sum; 2=批次库存 | by batch; 3=渠道库存 | by channel\n"), "{text}");
    }
}
