//! An answer as XML, for callers that do not ask for JSON.

use serde_json::Value;

/// The XML of an answer in JSON: a member is an element, an item of a list an element of the list's name. Null is left
/// out.
pub(crate) fn of_json(json: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\" ?>");
    if let Ok(Value::Object(members)) = serde_json::from_str(json) {
        members.iter().for_each(|(name, value)| push(&mut out, name, value));
    }
    out
}

fn push(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(items) => return items.iter().for_each(|item| push(out, name, item)),
        Value::Null => return,
        _ => {}
    }
    out.extend(["<", name, ">"]);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| push(out, name, value)),
        Value::String(text) => push_escaped(out, text),
        scalar => out.push_str(&scalar.to_string()),
    }
    out.extend(["</", name, ">"]);
}

fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_repeat_the_name_of_their_list() {
        let xml = of_json(r#"{"a_response":{"list":{"entry":[{"item":{"n":1,"none":null}},{"item":{"t":"<&"}}]}}}"#);
        let inner = "<list><entry><item><n>1</n></item></entry><entry><item><t>&lt;&amp;</t></item></entry></list>";
        assert!(xml.ends_with(&format!("<a_response>{inner}</a_response>")), "{xml}");
    }
}
