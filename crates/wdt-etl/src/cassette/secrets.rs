//! Nothing that is written holds a secret: every text is searched for every secret, as it is and in each coding that the
//! platforms use.

use wdt_sign::Secret;

/// A shorter secret would be found in every text.
const SHORTEST: usize = 4;

/// The secrets of a recording, in every form that is searched for.
pub(super) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// The forms of these secrets; `None` when one is too short to be searched for.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Option<Self> {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for secret in secrets.into_iter().map(Secret::expose) {
            if secret.len() < SHORTEST {
                return None;
            }
            let escaped = serde_json::Value::from(secret).to_string();
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for form in [secret, escaped.trim_matches('"'), &encoded] {
                if !forms.iter().any(|known| known == form.as_bytes()) {
                    forms.push(form.as_bytes().to_vec());
                }
            }
        }
        Some(Self(forms))
    }

    /// Whether a text holds one.
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|form| text.windows(form.len()).any(|window| window.eq_ignore_ascii_case(form)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_secret_is_found_in_every_coding() {
        let secrets = Secrets::new([&Secret::new("hu sh\"仓")]).unwrap();
        let held = ["x hu sh\"仓 y", "{\"a\":\"hu sh\\\"仓\"}", "a=1&b=hu+sh%22%e4%bb%93"];
        assert!(held.iter().all(|text| secrets.stand_in(text.as_bytes())));
        assert!(!secrets.stand_in(b"hu sh"));
        assert!(Secrets::new([&Secret::new("abc")]).is_none());
    }
}
