//! What an account proves itself with, as its gateway's signing scheme wants it.

use std::fmt;

use wdt_models::Gateway;
use wdt_sign::{Secret, SignError, flagship, top};

/// The parts of an account's credentials, as the platform hands them out.
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
    Top { secret: Secret, session: Secret, method: top::SignMethod },
}

/// Why credentials cannot be used; names the part, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialFault {
    /// A part that the gateway needs was not given.
    #[error("`{key}` is missing; gateway {gateway} needs it")]
    Missing {
        /// The part, by its name in [`AccountKeys`].
        key: &'static str,
        /// The gateway.
        gateway: Gateway,
    },
    /// The secret is not of the form in which the platform hands it out.
    #[error("`app_secret` {error}")]
    SecretForm {
        /// What the form is.
        #[source]
        error: SignError,
    },
    /// The platform knows no such way to sign; [`top::SignMethod::ALL`] has those it knows.
    #[error("`sign_method` is not one that the platform knows")]
    SignMethod,
}

impl CredentialFault {
    /// The part that it is about, by its name in [`AccountKeys`].
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Missing { key, .. } => key,
            Self::SecretForm { .. } => "app_secret",
            Self::SignMethod => "sign_method",
        }
    }
}

impl Credentials {
    /// The credentials as the gateway wants them.
    ///
    /// # Errors
    ///
    /// [`CredentialFault`] names the first part that is missing or of the wrong form.
    pub fn new(gateway: Gateway, keys: AccountKeys) -> Result<Self, CredentialFault> {
        let AccountKeys { sid, app_key, app_secret, session, sign_method } = keys;
        let secret = required("app_secret", app_secret, gateway)?;
        let scheme = match gateway {
            Gateway::Enterprise => Scheme::Enterprise { sid: required("sid", sid, gateway)?, secret },
            Gateway::Flagship => {
                let split = flagship::split_secret(&secret).map_err(|error| CredentialFault::SecretForm { error })?;
                Scheme::Flagship { sid: required("sid", sid, gateway)?, secret: split.secret, salt: split.salt }
            }
            Gateway::Top => {
                let method = sign_method.map_or(Ok(top::SignMethod::HmacSha256), |name| sign_method_named(&name))?;
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
    value.ok_or(CredentialFault::Missing { key, gateway })
}

fn sign_method_named(name: &str) -> Result<top::SignMethod, CredentialFault> {
    top::SignMethod::from_name(name).ok_or(CredentialFault::SignMethod)
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
        assert_eq!(fault(Gateway::Flagship, keys("hush")).key(), "app_secret");
        assert_eq!(fault(Gateway::Flagship, AccountKeys { sid: None, ..keys("a:b") }).key(), "sid");
        assert_eq!(fault(Gateway::Top, AccountKeys { session: None, ..keys("a") }).key(), "session");
        let unknown = AccountKeys { sign_method: Some("sha1".into()), ..keys("a") };
        assert_eq!(fault(Gateway::Top, unknown).key(), "sign_method");
        let text = format!("{:?}", fault(Gateway::Flagship, keys("hush")));
        assert!(!text.contains("hush"), "{text}");
    }
}
