//! Who may call.

use wdt_models::Gateway;
use wdt_sign::Secret;

/// Credentials of one caller.
#[derive(Debug, Clone)]
pub struct Account {
    /// The gateway it calls.
    pub gateway: Gateway,
    /// The merchant's account at the ERP; means nothing on top.
    pub sid: String,
    /// The application's account.
    pub app_key: String,
    /// What the application signs with; on flagship `secret:salt`.
    pub secret: Secret,
    /// The merchant's leave to the application, on top only; an account without one is refused there.
    pub session: Option<Secret>,
}

impl Account {
    /// Credentials of one caller, without a session.
    #[must_use]
    pub fn new(gateway: Gateway, sid: &str, app_key: &str, secret: &str) -> Self {
        let (sid, app_key) = (sid.to_owned(), app_key.to_owned());
        Self { gateway, sid, app_key, secret: Secret::new(secret), session: None }
    }

    /// The same with a session.
    #[must_use]
    pub fn with_session(mut self, session: &str) -> Self {
        self.session = Some(Secret::new(session));
        self
    }

    /// The account a simulator has when none is named; invented.
    #[must_use]
    pub fn example(gateway: Gateway) -> Self {
        match gateway {
            Gateway::Enterprise => Self::new(gateway, "apidevnew2", "apidevnew2-test", "sim-secret-0123456789"),
            Gateway::Flagship => Self::new(gateway, "simapi3", "simapi3-test", "sim-secret-abcdef:sim-salt-fedcba"),
            Gateway::Top => {
                Self::new(gateway, "", "31000001", "sim-secret-top-4711").with_session("sim-session-6100000000000815")
            }
        }
    }

    /// The merchant whose rows it sees: its session on top, its sid elsewhere.
    #[must_use]
    pub fn merchant(&self) -> &str {
        match (self.gateway, &self.session) {
            (Gateway::Top, Some(session)) => session.expose(),
            _ => &self.sid,
        }
    }
}
