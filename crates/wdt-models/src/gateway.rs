//! The dialects of the open platforms: addresses and limits that hold for a whole platform.

use std::fmt;

/// One open platform's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gateway {
    /// 旺店通企业版, `openapi2`: form posts to one `*.php` file per method.
    Enterprise,
    /// 旺店通旗舰版, `qjb`: positional JSON arguments in the body, everything else in the query.
    Flagship,
    /// 淘宝开放平台, `top`: form posts to one address, for 菜鸟.
    Top,
}

/// What is the same for every account on a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayFacts {
    /// The name used in the configuration.
    pub name: &'static str,
    /// The platform's own name.
    pub zh: &'static str,
    /// Production address, without a trailing slash.
    pub production_url: &'static str,
    /// Sandbox address, without a trailing slash.
    pub sandbox_url: &'static str,
    /// Calls a minute that are safe by default.
    pub calls_per_minute: u32,
    /// How far a request's timestamp may be from the platform's clock, in seconds.
    pub clock_tolerance_seconds: i64,
    /// Keys of an account beside `app_key` and `app_secret` that it must have.
    pub required_keys: &'static [&'static str],
    /// Keys of an account that it may have.
    pub optional_keys: &'static [&'static str],
    /// Whether the platform says how long to wait when its call limit is hit, in its message.
    pub names_its_waits: bool,
    /// Whether the platform sends control characters in JSON texts as they are, unescaped.
    pub sends_raw_controls: bool,
    /// Member that reports success; beside it, the platform may leave out the total of an empty list.
    pub success_without_total: Option<&'static str>,
}

const ENTERPRISE: GatewayFacts = GatewayFacts {
    name: "enterprise",
    zh: "旺店通企业版",
    production_url: "https://api.wangdian.cn/openapi2",
    sandbox_url: "https://sandbox.wangdian.cn/openapi2",
    // the documented limit of 60 with a margin
    calls_per_minute: 50,
    clock_tolerance_seconds: 300,
    required_keys: &["sid"],
    optional_keys: &[],
    names_its_waits: false,
    sends_raw_controls: false,
    success_without_total: None,
};

const FLAGSHIP: GatewayFacts = GatewayFacts {
    name: "flagship",
    zh: "旺店通旗舰版",
    // The vendor documents http alone; clients that use https exist, but nobody documents that it works.
    production_url: "http://wdt.wangdian.cn/openapi",
    sandbox_url: "http://47.92.239.46/openapi",
    // the number is not public; clients keep to 55 to 60
    calls_per_minute: 50,
    clock_tolerance_seconds: 120,
    required_keys: &["sid"],
    optional_keys: &[],
    names_its_waits: false,
    sends_raw_controls: false,
    success_without_total: None,
};

const TOP: GatewayFacts = GatewayFacts {
    name: "top",
    zh: "淘宝开放平台",
    production_url: "https://eco.taobao.com/router/rest",
    sandbox_url: "https://gw.api.tbsandbox.com/router/rest",
    calls_per_minute: 300,
    clock_tolerance_seconds: 600,
    required_keys: &["session"],
    optional_keys: &["sign_method"],
    names_its_waits: true,
    sends_raw_controls: true,
    success_without_total: Some("wl_success"),
};

impl Gateway {
    /// Every gateway, in the order the documentation lists them.
    pub const ALL: &'static [Self] = &[Self::Enterprise, Self::Flagship, Self::Top];

    /// What is the same for every account on this gateway.
    #[must_use]
    pub const fn facts(self) -> &'static GatewayFacts {
        match self {
            Self::Enterprise => &ENTERPRISE,
            Self::Flagship => &FLAGSHIP,
            Self::Top => &TOP,
        }
    }

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The gateway of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|gateway| gateway.name() == name)
    }

    /// Production address, without a trailing slash.
    #[must_use]
    pub const fn production_url(self) -> &'static str {
        self.facts().production_url
    }

    /// Sandbox address, without a trailing slash.
    #[must_use]
    pub const fn sandbox_url(self) -> &'static str {
        self.facts().sandbox_url
    }

    /// Calls a minute that are safe by default.
    #[must_use]
    pub const fn calls_per_minute(self) -> u32 {
        self.facts().calls_per_minute
    }

    /// How far a request's timestamp may be from the platform's clock, in seconds.
    #[must_use]
    pub const fn clock_tolerance_seconds(self) -> i64 {
        self.facts().clock_tolerance_seconds
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
