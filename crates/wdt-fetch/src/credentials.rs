//! What an account proves itself with.

use std::fmt;

use wdt_sign::Secret;

/// What an account proves itself with.
#[derive(Clone)]
pub struct Credentials {
    /// The merchant's id on the platform.
    pub sid: String,
    /// The application's id; accounts that share it share its call limit.
    pub app_key: String,
    /// The application's secret; it signs and is never sent.
    pub app_secret: Secret,
}

impl fmt::Debug for Credentials {
    /// Shows the ids and masks the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, app_key, app_secret: _ } = self;
        f.debug_struct("Credentials").field("sid", sid).field("app_key", app_key).field("app_secret", &"***").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_masks_the_secret() {
        let credentials =
            Credentials { sid: "demo".into(), app_key: "demo-key".into(), app_secret: Secret::new("hush-7f3a") };
        let shown = format!("{credentials:?} {credentials:#?}");
        assert!(shown.contains("demo-key") && !shown.contains("hush"), "{shown}");
    }
}
