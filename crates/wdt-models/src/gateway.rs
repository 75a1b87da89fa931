//! The dialects of the open platforms: addresses and limits that hold for a whole platform.

use std::fmt;

/// One open platform's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Gateway {
    /// 旺店通企业版, `openapi2`: form posts to one `*.php` file per method.
    Enterprise,
}

impl Gateway {
    /// Every gateway, in the order the documentation lists them.
    pub const ALL: &'static [Self] = &[Self::Enterprise];

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
        }
    }

    /// The gateway of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|gateway| gateway.name() == name)
    }

    /// Production address, without a trailing slash.
    #[must_use]
    pub const fn production_url(self) -> &'static str {
        match self {
            Self::Enterprise => "https://api.wangdian.cn/openapi2",
        }
    }

    /// Sandbox address, without a trailing slash.
    #[must_use]
    pub const fn sandbox_url(self) -> &'static str {
        match self {
            Self::Enterprise => "https://sandbox.wangdian.cn/openapi2",
        }
    }

    /// Calls a minute that are safe by default: the documented limit of 60 with a margin.
    #[must_use]
    pub const fn calls_per_minute(self) -> u32 {
        match self {
            Self::Enterprise => 50,
        }
    }

    /// How far a request's timestamp may be from the platform's clock, in seconds.
    #[must_use]
    pub const fn clock_tolerance_seconds(self) -> i64 {
        match self {
            Self::Enterprise => 300,
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
