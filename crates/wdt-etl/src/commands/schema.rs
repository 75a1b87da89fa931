//! `wdt-etl schema`: a dataset as the endpoint's description states it, or the list of datasets.

mod csv;
mod described;
mod json;
mod text;

use std::io::Write;

use wdt_models::{Endpoint, endpoints};

use crate::cli::{Schema, SchemaFormat};
use crate::error::EtlError;
use crate::words::{list, nearest, quoted};

/// Prints one dataset, or all, in the form that is asked for.
///
/// # Errors
///
/// [`EtlError::Usage`] for an unknown dataset; [`EtlError::Output`] when `out` cannot be written.
pub fn schema(args: &Schema, out: &mut dyn Write) -> Result<(), EtlError> {
    let endpoint = args.dataset.as_deref().map(find).transpose()?;
    let written = match (args.json, args.format) {
        (true, _) => json::write_lines(endpoint, out),
        (false, SchemaFormat::Json) => json::write_document(endpoint, out),
        (false, SchemaFormat::Csv) => csv::write(endpoint, out),
        (false, SchemaFormat::Text) => text::write(endpoint, out),
    };
    written.map_err(super::output)
}

fn find(name: &str) -> Result<&'static Endpoint, EtlError> {
    endpoints::find(name).ok_or_else(|| {
        let known: Vec<_> = endpoints::ALL.iter().map(|endpoint| endpoint.dataset).collect();
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let hint = format!("{}datasets of this version: {}", near.unwrap_or_default(), list(&known));
        EtlError::Usage { message: format!("unknown dataset {}", quoted(name)), hint: Some(hint) }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_models::Kind;

    use super::described::columns;
    use super::*;

    pub(super) fn printed(dataset: Option<&str>, format: SchemaFormat, json: bool) -> String {
        let mut out = Vec::new();
        schema(&Schema { dataset: dataset.map(str::to_owned), format, json }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_unknown_dataset_is_told_with_the_nearest() {
        let args = Schema { dataset: Some("enterprise_stok".to_owned()), format: SchemaFormat::Csv, json: false };
        let error = schema(&args, &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let report = error.report();
        let expected = "error: unknown dataset `enterprise_stok`\nhint: did you mean `enterprise_stock`? datasets of this version: enterprise_stock, enterprise_goods";
        assert!(report.starts_with(expected), "{report}");
        assert!(endpoints::ALL.iter().all(|endpoint| report.contains(endpoint.dataset)));
    }

    #[test]
    fn lists_are_followed_by_their_members() {
        for endpoint in endpoints::ALL {
            let columns = columns(endpoint);
            let members: usize = endpoint
                .fields
                .iter()
                .map(|field| if let Kind::List(members) = field.kind { members.len() } else { 0 })
                .sum();
            assert_eq!(columns.len(), endpoint.fields.len() + members, "{}", endpoint.dataset);
            assert!(columns.iter().filter(|column| column.key).count() == endpoint.key.len());
        }
    }
}
