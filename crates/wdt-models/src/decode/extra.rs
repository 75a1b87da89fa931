//! Members that no document names, gathered as JSON text.

use serde_json::Value;

/// The unknown members of one record, as the inside of a JSON object; their values keep their own text.
#[derive(Debug, Default)]
pub(super) struct Extra(String);

impl Extra {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends a member.
    pub(super) fn push(&mut self, name: &str, json: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(json);
    }

    /// The object's text; `None` when there is no such member.
    pub(super) fn object(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("{{{}}}", self.0))
    }
}
