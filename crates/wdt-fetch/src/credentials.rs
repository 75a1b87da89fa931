//! What an account proves itself with, as its gateway's signing scheme wants it.

use std::fmt;

use wdt_models::Gateway;
use wdt_sign::{Secret, flagship, top};

/// What a configuration says of an account's credentials.
#[derive(Debug, Clone, Default)]
pub struct AccountKeys {
    /// The merchant's id on the platform.
    pub sid: Option<String>,
    /// The application's id; accounts that share it share its call limit.
    pub app_key: String,
    /// The application's secret.
    pub app_secret: Option<Secret>,
    /// The merchant's leave to the application.
    pub session: Option<Secret>,
    /// How calls are signed, where the gateway lets one choose.
    pub sign_method: Option<String>,
}

/// What an account proves itself with. Secrets sign and are never shown.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) app_key: String,
    pub(crate) scheme: Scheme,
}

/// The part that differs by gateway.
#[derive(Clone)]
pub(crate) enum Scheme {
    Enterprise { sid: String, secret: Secret },
    Flagship { sid: String, secret: Secret, salt: Secret },
    Top { secret: Secret, session: Secret, method: top::Method },
}

/// Why credentials cannot be used; names the key of the account, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {reason}")]
pub struct CredentialFault {
    /// Key of the account in the configuration.
    pub key: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// What to write.
    pub mend: String,
}

impl Credentials {
    /// The credentials as the gateway wants them.
    ///
    /// # Errors
    ///
    /// [`CredentialFault`] names the first key that is missing or of the wrong form.
    pub fn new(gateway: Gateway, keys: AccountKeys) -> Result<Self, CredentialFault> {
        let AccountKeys { sid, app_key, app_secret, session, sign_method } = keys;
        let secret = required("app_secret", app_secret, gateway)?;
        let scheme = match gateway {
            Gateway::Enterprise => Scheme::Enterprise { sid: required("sid", sid, gateway)?, secret },
            Gateway::Flagship => {
                let split = flagship::split_secret(&secret).map_err(|error| CredentialFault {
                    key: "app_secret",
                    reason: error.to_string(),
                    mend: "copy it whole, as secret:salt, from the platform's page".to_owned(),
                })?;
                Scheme::Flagship { sid: required("sid", sid, gateway)?, secret: split.secret, salt: split.salt }
            }
            Gateway::Top => {
                let method = sign_method.map_or(Ok(top::Method::HmacSha256), |name| sign_method_named(&name))?;
                Scheme::Top { secret, session: required("session", session, gateway)?, method }
            }
        };
        Ok(Self { app_key, scheme })
    }

    /// Every secret in them: what nothing that is kept may hold.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.scheme {
            Scheme::Enterprise { secret, .. } => vec![secret],
            Scheme::Flagship { secret, salt, .. } => vec![secret, salt],
            Scheme::Top { secret, session, .. } => vec![secret, session],
        }
    }

    /// The gateway they are for.
    #[must_use]
    pub const fn gateway(&self) -> Gateway {
        match self.scheme {
            Scheme::Enterprise { .. } => Gateway::Enterprise,
            Scheme::Flagship { .. } => Gateway::Flagship,
            Scheme::Top { .. } => Gateway::Top,
        }
    }
}

impl fmt::Debug for Credentials {
    /// Shows the ids and masks everything else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("gateway", &self.gateway())
            .field("app_key", &self.app_key)
            .finish_non_exhaustive()
    }
}

fn required<T>(key: &'static str, value: Option<T>, gateway: Gateway) -> Result<T, CredentialFault> {
    value.ok_or_else(|| CredentialFault {
        key,
        reason: format!("is missing; gateway {gateway} needs it"),
        mend: format!("write {key} as the platform hands it out"),
    })
}

fn sign_method_named(name: &str) -> Result<top::Method, CredentialFault> {
    top::Method::from_name(name).ok_or_else(|| CredentialFault {
        key: "sign_method",
        reason: "is not one that the platform knows".to_owned(),
        mend: "write \"hmac-sha256\", \"hmac\" or \"md5\"".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn keys(secret: &str) -> AccountKeys {
        AccountKeys {
            sid: Some("demo".into()),
            app_key: "demo-key".into(),
            app_secret: Some(Secret::new(secret)),
            session: Some(Secret::new("hush-session")),
            sign_method: None,
        }
    }

    #[test]
    fn debug_masks_every_secret() {
        for &gateway in Gateway::ALL {
            let credentials = Credentials::new(gateway, keys("hush-7f3a:hush-salt")).unwrap();
            let shown = format!("{credentials:?} {credentials:#?}");
            assert!(shown.contains("demo-key") && !shown.contains("hush"), "{shown}");
            assert_eq!(credentials.gateway(), gateway);
        }
    }

    #[test]
    fn what_a_gateway_needs_is_named() {
        let fault = |gateway, keys| Credentials::new(gateway, keys).map(|_| ()).unwrap_err();
        assert_eq!(fault(Gateway::Flagship, keys("hush")).key, "app_secret");
        assert_eq!(fault(Gateway::Flagship, AccountKeys { sid: None, ..keys("a:b") }).key, "sid");
        assert_eq!(fault(Gateway::Top, AccountKeys { session: None, ..keys("a") }).key, "session");
        let unknown = AccountKeys { sign_method: Some("sha1".into()), ..keys("a") };
        assert_eq!(fault(Gateway::Top, unknown).key, "sign_method");
        let text = format!("{:?}", fault(Gateway::Flagship, keys("hush")));
        assert!(!text.contains("hush"), "{text}");
    }
}
