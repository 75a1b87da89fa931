//! The text of an answer.

use wdt_models::Endpoint;

use crate::{
    fault::Fault,
    form::{CodeForm, EmptyForm, Forms, LaterTotal, ListForm, TotalForm},
    json::{push, push_text},
    ledger::{Ledger, Page},
    refusal::Refusal,
};

/// A page of records; `forms` must have every mixed form decided.
pub(crate) fn page(ledger: &Ledger, page: &Page, page_no: u32, forms: Forms, fault: Option<&Fault>) -> String {
    let endpoint = ledger.endpoint();
    let mut out = opening(0, forms);
    if has_message(endpoint) {
        out.push_str(",\"message\":\"ok\"");
    }
    push_list(&mut out, ledger, page, forms);
    push_total(&mut out, page.total, page_no, forms, fault);
    out.push('}');
    out
}

/// A platform error.
pub(crate) fn refusal(refusal: &Refusal, forms: Forms) -> String {
    let mut out = opening(refusal.code, forms);
    out.push_str(",\"message\":");
    push_text(&mut out, &refusal.message, forms.escapes);
    out.push('}');
    out
}

fn opening(code: i64, forms: Forms) -> String {
    let mut out = String::from(if forms.bom { "\u{FEFF}" } else { "" });
    let mark = if forms.code == CodeForm::Text { "\"" } else { "" };
    push(&mut out, format_args!("{{\"code\":{mark}{code}{mark}"));
    out
}

/// The stock page's example has no `message`, the goods page's has one.
fn has_message(endpoint: &Endpoint) -> bool {
    endpoint.method != "stock_query_detail.php"
}

fn push_list(out: &mut String, ledger: &Ledger, page: &Page, forms: Forms) {
    let name = ledger.endpoint().records;
    match forms.empty {
        _ if !page.rows.is_empty() => {}
        EmptyForm::Missing => return,
        EmptyForm::Null => return push(out, format_args!(",\"{name}\":null")),
        EmptyForm::List | EmptyForm::Mixed => return push(out, format_args!(",\"{name}\":[]")),
    }
    let object = forms.list == ListForm::Object;
    push(out, format_args!(",\"{name}\":{}", if object { '{' } else { '[' }));
    for (place, row) in page.rows.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if object {
            push(out, format_args!("\"{}\":", 2 * place));
        }
        ledger.push_record(*row, out);
    }
    out.push(if object { '}' } else { ']' });
}

fn push_total(out: &mut String, total: usize, page_no: u32, forms: Forms, fault: Option<&Fault>) {
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    let total = match fault {
        Some(Fault::NoTotal) => return,
        Some(Fault::LyingTotal(delta)) => total.saturating_add(*delta).max(0),
        _ => total,
    };
    match forms.later_total {
        _ if page_no == 0 => {
            let mark = if forms.total == TotalForm::Number { "" } else { "\"" };
            push(out, format_args!(",\"total_count\":{mark}{total}{mark}"));
        }
        LaterTotal::Absent => {}
        LaterTotal::Null => out.push_str(",\"total_count\":null"),
        LaterTotal::Zero => out.push_str(",\"total_count\":0"),
    }
}
