//! The description as text for people.

use std::io::{self, Write};

use wdt_models::{Arguments, Endpoint, IdSource, Method, SyncMode, endpoints};

use super::super::aligned::{write_rows, write_table};
use super::described::{DescribedColumn, columns, type_of};
use crate::words::list;

const COLUMNS_OF_EVERY_TABLE: &str = "\
Each table begins with `account` (text, part of the key) and ends with `_wdt_pulled_at` (timestamp), `_wdt_run_id` (text)
and `_wdt_extra` (JSON text of members that no document names); current tables add `_wdt_deleted_at` (timestamp), history
tables `_wdt_op` (text) and the partition `dt` (date).
";

/// One dataset, or the list of all.
pub(super) fn write(endpoint: Option<&'static Endpoint>, out: &mut dyn Write) -> io::Result<()> {
    let Some(endpoint) = endpoint else { return write_list(out) };
    writeln!(out, "{}: {}", endpoint.dataset, endpoint.doc)?;
    write_rows(&facts(endpoint), out)?;
    writeln!(out)?;
    write_columns(endpoint, out)?;
    write_part("documented values", &values(endpoint), out)?;
    write_part("settings (keys of the dataset in the configuration)", &settings(endpoint.sync), out)?;
    write_part("parameters (params = { … } of the dataset)", &params(endpoint), out)?;
    write_part("report columns", &report(endpoint), out)?;
    write_part("notes", &endpoint.notes.iter().map(|note| [format!("- {note}")]).collect::<Vec<_>>(), out)
}

fn write_list(out: &mut dyn Write) -> io::Result<()> {
    let row = |endpoint: &&Endpoint| {
        [endpoint.dataset.to_owned(), endpoint.gateway.name().to_owned(), endpoint.doc.to_owned()]
    };
    write_table(["dataset", "gateway", "a row is"], &endpoints::ALL.iter().map(row).collect::<Vec<_>>(), out)
}

/// A title and indented rows; nothing where there are no rows.
fn write_part<const N: usize>(title: &str, rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    let mut rows = rows.to_vec();
    rows.iter_mut().filter_map(|row| row.first_mut()).for_each(|first| first.insert_str(0, "  "));
    write_rows(&rows, out)
}

fn facts(endpoint: &Endpoint) -> Vec<[String; 2]> {
    let row = |name: &str, fact: String| [name.to_owned(), fact];
    let mut rows = vec![row("gateway", endpoint.gateway.name().to_owned())];
    for (place, method) in endpoint.methods.iter().enumerate() {
        let choice = if place == 0 { String::new() } else { format!(", with method = \"{}\"", method.name) };
        let name = if place == 0 { "call" } else { "or" };
        rows.push(row(name, format!("{}: {}{choice}", method.name, paging(endpoint.sync, method))));
    }
    rows.push(row("reading", reading(endpoint.sync)));
    rows.push(row("key", format!("account, {}", list(endpoint.key))));
    rows.push(row("source", endpoint.source.to_owned()));
    rows
}

fn paging(reading: SyncMode, method: &Method) -> String {
    let size = method.paging.max_size;
    match (reading, method.arguments) {
        (SyncMode::Ids(_), Arguments::Positional) => "one id a call".to_owned(),
        (SyncMode::Ids(_), _) => format!("at most {size} ids a call"),
        _ => format!("at most {size} records a page"),
    }
}

fn reading(reading: SyncMode) -> String {
    match reading {
        SyncMode::Incremental(cursor) => {
            let days = (cursor.max_seconds + 1) / 86_400;
            let longest = if days > 1 { format!("{days} days") } else { format!("{} s", cursor.max_seconds) };
            format!("what changed, by the cursor {}, in windows of at most {longest}", cursor.field)
        }
        SyncMode::Slices([]) => "a full picture of the whole list in each run".to_owned(),
        SyncMode::Slices(dimensions) => {
            let names: Vec<_> = dimensions.iter().map(|dimension| dimension.name).collect();
            format!("a full picture of each slice ({}) in each run", list(&names))
        }
        SyncMode::Ids(ids) => format!("the rows of a list of ids in each run, by default {}", ids_of(ids)),
    }
}

fn ids_of(ids: IdSource) -> String {
    format!("{} of {} where {} is {}", ids.column, ids.dataset, ids.only.0, ids.only.1)
}

fn write_columns(endpoint: &'static Endpoint, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = columns(endpoint).iter().map(column_row).collect();
    write_table(["column", "type", "marks", "label", "meaning"], &rows, out)?;
    write!(out, "\n{COLUMNS_OF_EVERY_TABLE}")
}

fn column_row(column: &DescribedColumn) -> [String; 5] {
    let field = column.field;
    let unit = field.unit.map(|unit| format!(" [{unit}]")).unwrap_or_default();
    let label = field.zh.to_owned();
    [column.name.clone(), field.kind.name().to_owned(), column.marks().join(" "), label, format!("{}{unit}", field.en)]
}

fn values(endpoint: &'static Endpoint) -> Vec<[String; 4]> {
    let of = |column: DescribedColumn| {
        let codes = column.field.codes.iter();
        codes.map(move |code| [column.name.clone(), code.value.to_owned(), code.zh.to_owned(), code.en.to_owned()])
    };
    columns(endpoint).into_iter().flat_map(of).collect()
}

fn settings(reading: SyncMode) -> Vec<[String; 3]> {
    let row = |setting: &str, values: String, en: String| [setting.to_owned(), values, en];
    match reading {
        SyncMode::Incremental(_) => Vec::new(),
        SyncMode::Slices(dimensions) => {
            let values =
                |values: &[&str]| if values.is_empty() { "required".to_owned() } else { format!("[{}]", list(values)) };
            dimensions.iter().map(|own| row(own.setting, values(own.default), own.en.to_owned())).collect()
        }
        SyncMode::Ids(ids) => vec![
            row("ids_from", ids.dataset.to_owned(), format!("dataset that the ids are taken from: {}", ids_of(ids))),
            row(
                &format!("{}s", ids.column),
                "none".to_owned(),
                "the ids themselves, in place of `ids_from`".to_owned(),
            ),
        ],
    }
}

fn params(endpoint: &Endpoint) -> Vec<[String; 3]> {
    let row = |param: &wdt_models::Param| [param.name.to_owned(), type_of(param.kind).to_owned(), param.en.to_owned()];
    endpoint.params.iter().map(row).collect()
}

fn report(endpoint: &Endpoint) -> Vec<[String; 2]> {
    endpoint.report.iter().map(|(column, label)| [(*column).to_owned(), (*label).to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::printed;
    use super::*;
    use crate::cli::SchemaFormat;
    use unicode_width::UnicodeWidthStr;

    fn text(dataset: Option<&str>) -> String {
        printed(dataset, SchemaFormat::Text, false)
    }

    #[test]
    fn meanings_stand_below_each_other_behind_chinese_labels() {
        for endpoint in endpoints::ALL {
            let text = text(Some(endpoint.dataset));
            let lines: Vec<_> = text.lines().collect();
            let head = lines.iter().position(|line| line.starts_with("column ")).unwrap();
            let expected = UnicodeWidthStr::width(lines[head].split("meaning").next().unwrap());
            for (column, line) in columns(endpoint).iter().zip(&lines[head + 1..]) {
                let meaning = column_row(column)[4].clone();
                assert_eq!(line.strip_suffix(meaning.trim_end()).map(UnicodeWidthStr::width), Some(expected), "{line}");
            }
            assert!(endpoint.notes.iter().all(|note| text.contains(&format!("\n  - {note}\n"))));
            assert!(endpoint.params.iter().all(|param| text.contains(&format!("\n  {} ", param.name))));
            assert!(endpoint.methods.iter().all(|method| text.contains(method.name)));
        }
    }

    #[test]
    fn columns_are_marked() {
        let stock = text(Some("enterprise_stock"));
        let line = |name: &str| stock.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("warehouse_id ").contains("  key required "), "{stock}");
        assert!(line("modified ").contains("  cursor required "), "{stock}");
        assert!(line("avaliable_num ").contains("  volatile "), "{stock}");
        assert!(line("details[].batch_no ").contains("  text "), "{stock}");
        for endpoint in endpoints::ALL.iter().filter(|endpoint| !endpoint.report.is_empty()) {
            let text = text(Some(endpoint.dataset));
            let marked = columns(endpoint).iter().filter(|column| column.marks().contains(&"report")).count();
            assert!(marked > 0 && text.contains("\nreport columns:\n"), "{text}");
        }
    }

    #[test]
    fn each_way_of_reading_is_told_with_its_settings() {
        for (dataset, expected) in [
            ("enterprise_stock", "\nreading  what changed, by the cursor modified, in windows of at most 30 days\n"),
            ("flagship_shops", "\nreading  a full picture of the whole list in each run\n"),
            ("cainiao_inventory", "(store_code, type, inventory_type) in each run\n"),
            ("cainiao_inventory", "\n  stores           required                      warehouse codes\n"),
            ("cainiao_inventory", "\n  types            [1]                           cuts of the stock"),
            ("cainiao_inventory", "\n  inventory_type  301     在途库存  on its way\n"),
            (
                "flagship_stock_sync",
                "\nor       sales.StockSync.calcStock: one id a call, with method = \"sales.StockSync.calcStock\"\n",
            ),
            ("flagship_stock_sync", "by default rec_id of flagship_goods where platform_id is 127\n"),
            ("flagship_stock_sync", "\n  rec_ids   none "),
        ] {
            assert!(text(Some(dataset)).contains(expected), "{expected}\n{}", text(Some(dataset)));
        }
        assert!(!text(Some("enterprise_stock")).contains("settings ("));
    }

    #[test]
    fn datasets_are_listed() {
        let text = text(None);
        assert!(endpoints::ALL.iter().all(|endpoint| text.contains(endpoint.dataset)), "{text}");
    }
}
