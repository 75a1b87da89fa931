//! Texts of a JSON document replaced, every other byte kept: numbers keep their own text, and a document that was cut
//! stays cut.

/// The document with each text value that `replace` gives another for, by the name of the member that holds it (of a list,
/// the list's).
pub(super) fn with_texts(document: &[u8], mut replace: impl FnMut(&str, &str) -> Option<String>) -> Vec<u8> {
    let mut result = Vec::with_capacity(document.len());
    // the names of the members that hold the objects and lists around this place; `None` where a name comes next
    let mut holders: Vec<Holder> = Vec::new();
    let mut rest = document;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'"' {
            step(byte, &mut holders);
            result.push(byte);
            rest = after;
            continue;
        }
        let (quoted, after) = text(rest);
        let holder = holders.last_mut();
        let replaced = match holder {
            Some(Holder { name, is_object: true, wants_name: wants @ true }) => {
                *name = unquoted(quoted).unwrap_or_default();
                *wants = false;
                None
            }
            holder => {
                let member = holder.map_or("", |holder| holder.name.as_str());
                unquoted(quoted).and_then(|text| replace(member, &text))
            }
        };
        match replaced {
            Some(text) => result.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes()),
            None => result.extend_from_slice(quoted),
        }
        rest = after;
    }
    result
}

/// An object or a list that is open, and the member it is at.
struct Holder {
    name: String,
    is_object: bool,
    wants_name: bool,
}

fn step(byte: u8, holders: &mut Vec<Holder>) {
    match byte {
        b'{' | b'[' => {
            let name = holders.last().map(|holder| holder.name.clone()).unwrap_or_default();
            holders.push(Holder { name, is_object: byte == b'{', wants_name: byte == b'{' });
        }
        b'}' | b']' => drop(holders.pop()),
        b',' => {
            if let Some(holder) = holders.last_mut() {
                holder.wants_name = holder.is_object;
            }
        }
        _ => {}
    }
}

/// The text at the begin of a document with its quotes, and what follows; of a text that was cut, all of it.
fn text(document: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    for (place, &byte) in document.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return document.split_at(place + 1),
            _ => {}
        }
    }
    (document, &[])
}

/// What a text says; of one that was cut, what is left of it.
fn unquoted(quoted: &[u8]) -> Option<String> {
    serde_json::from_slice(quoted).ok().or_else(|| {
        let text = String::from_utf8_lossy(quoted.strip_prefix(b"\"")?);
        Some(text.into_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn upper(document: &str) -> String {
        let replace = |member: &str, text: &str| (member == "a").then(|| text.to_uppercase());
        String::from_utf8(with_texts(document.as_bytes(), replace)).unwrap()
    }

    #[test]
    fn only_values_of_the_member_are_replaced() {
        let cases = [
            (r#"{"a":"x","b":"x"}"#, r#"{"a":"X","b":"x"}"#),
            (
                r#"{ "a" : ["x", {"b":"y","a":"z"}, "w"], "b":["x"] }"#,
                r#"{ "a" : ["X", {"b":"y","a":"Z"}, "W"], "b":["x"] }"#,
            ),
            (r#"{"a":1.50,"b":{"a":null},"a":"q\"\u4ed3"}"#, "{\"a\":1.50,\"b\":{\"a\":null},\"a\":\"Q\\\"仓\"}"),
            (r#"[{"a":"x"},{"a":"y"#, r#"[{"a":"X"},{"a":"Y""#),
            ("<html>no json</html>", "<html>no json</html>"),
        ];
        for (document, wanted) in cases {
            assert_eq!(upper(document), wanted);
        }
    }
}
