//! The text of an answer, as far as the gateways agree: records and totals where the method's description says.

use wdt_models::Method;

use crate::{
    fault::Fault,
    form::{EmptyForm, Forms, LaterTotal},
    json::push,
    ledger::Ledger,
    row::Row,
    spelling::Spelling,
};

/// The media type of a web server's own pages, and of the answers of enterprise.
pub(crate) const HTML: &str = "text/html; charset=UTF-8";

/// What was found, and how it is to be written; `forms` must have every mixed form decided.
pub(crate) struct Found<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) method: &'static Method,
    pub(crate) spelling: &'a Spelling,
    pub(crate) forms: Forms,
    pub(crate) rows: &'a [Row],
    pub(crate) total: usize,
    /// Whether the total counts.
    pub(crate) counted: bool,
    pub(crate) fault: Option<&'a Fault>,
}

/// A JSON object on its way.
#[derive(Debug, Default)]
pub(crate) struct JsonObject(Vec<(String, Node)>);

#[derive(Debug)]
enum Node {
    Text(String),
    Object(JsonObject),
}

impl Found<'_> {
    /// The list of records.
    pub(crate) fn list(&self, object: bool) -> String {
        let mut out = String::from(if object { "{" } else { "[" });
        for (place, row) in self.rows.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            if object {
                push(&mut out, format_args!("\"{}\":", 2 * place));
            }
            if let Some(wrapping) = self.method.shape.wrapped_in {
                push(&mut out, format_args!("{{\"{wrapping}\":"));
            }
            self.ledger.push_record(*row, self.spelling, &mut out);
            if self.method.shape.wrapped_in.is_some() {
                out.push('}');
            }
        }
        out.push(if object { '}' } else { ']' });
        out
    }

    /// Puts the list of records at the end of a path, or what is written for an empty one. `around` is the path of what
    /// is written empty in its place; it is itself empty where that is the list alone.
    pub(crate) fn put_list(&self, members: &mut JsonObject, path: &[&str], around: &[&str], object: bool) {
        match self.forms.empty {
            _ if !self.rows.is_empty() => members.put(path, self.list(object)),
            EmptyForm::Missing => {}
            EmptyForm::Null => members.put(if around.is_empty() { path } else { around }, "null".to_owned()),
            EmptyForm::Object if !around.is_empty() => members.put(around, "{}".to_owned()),
            EmptyForm::List | EmptyForm::Mixed | EmptyForm::Object => members.put(path, "[]".to_owned()),
        }
    }

    /// Puts the number of records on all pages where the description says; `quoted` is whether it is in quotes.
    pub(crate) fn put_total(&self, members: &mut JsonObject, quoted: bool) {
        let total = i64::try_from(self.total).unwrap_or(i64::MAX);
        let mark = if quoted || self.fault == Some(&Fault::TextTotal) { "\"" } else { "" };
        let text = match (self.counted, self.fault, self.forms.later_total) {
            (true, Some(Fault::NoTotal), _) | (false, _, LaterTotal::Absent) => return,
            (true, Some(Fault::LyingTotal(delta)), _) => format!("{mark}{}{mark}", total.saturating_add(*delta).max(0)),
            (true, ..) | (false, _, LaterTotal::Right) => format!("{mark}{total}{mark}"),
            (false, _, LaterTotal::Null) => "null".to_owned(),
            (false, _, LaterTotal::Zero) => "0".to_owned(),
        };
        members.put(self.method.shape.total, text);
    }
}

impl JsonObject {
    /// Puts JSON text at the end of a path, behind what is there; nowhere if the path is empty.
    pub(crate) fn put(&mut self, path: &[&str], text: String) {
        let Some((name, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.0.push(((*name).to_owned(), Node::Text(text)));
            return;
        }
        let there = self.0.iter().position(|(own, node)| own == name && matches!(node, Node::Object(_)));
        let place = there.unwrap_or_else(|| {
            self.0.push(((*name).to_owned(), Node::Object(Self::default())));
            self.0.len() - 1
        });
        if let Node::Object(inner) = &mut self.0[place].1 {
            inner.put(rest, text);
        }
    }

    /// The object's text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.push(&mut out);
        out
    }

    fn push(&self, out: &mut String) {
        out.push('{');
        for (place, (name, node)) in self.0.iter().enumerate() {
            push(out, format_args!("{}\"{name}\":", if place > 0 { "," } else { "" }));
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Object(object) => object.push(out),
            }
        }
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_share_a_beginning_share_an_object() {
        let mut members = JsonObject::default();
        for (path, text) in [(&["status"][..], "0"), (&["data", "total"], "2"), (&["data", "list"], "[]"), (&[], "x")] {
            members.put(path, text.to_owned());
        }
        assert_eq!(members.text(), r#"{"status":0,"data":{"total":2,"list":[]}}"#);
    }
}
