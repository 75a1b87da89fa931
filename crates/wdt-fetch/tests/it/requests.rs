//! Requests as they go over the wire, against signatures that other programs computed.

use serde_json::{Value, json};
use wdt_fetch::{AccountKeys, Credentials, PageRequest, Params, SignedRequest, Target, WireError, signed};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Gateway, Slice, Window};
use wdt_sign::Secret;

fn endpoint(dataset: &str) -> &'static Endpoint {
    wdt_models::endpoints::find(dataset).unwrap()
}

/// 2026-03-01 to 2026-03-31, both at midnight in Asia/Shanghai.
const MARCH: Target = Target::Window(Window::new(Seconds(1_772_294_400), Seconds(1_774_886_400)));

fn params(params: &Value) -> Params {
    params.as_object().unwrap().clone().into_iter().collect()
}

fn request(dataset: &str, target: Target) -> PageRequest {
    let method = endpoint(dataset).method();
    let (page_no, page_size) = (method.paging.first, 100);
    PageRequest { method, target, page_no, page_size, params: Params::new(), personal: false }
}

/// The account and the time of the flagship vectors.
fn flagship(dataset: &str, request: &PageRequest) -> Result<SignedRequest, WireError> {
    let keys = AccountKeys {
        sid: Some("wdtapi3".into()),
        app_key: "wdt_test".into(),
        app_secret: Some(Secret::new("testsecret:testsalt")),
        ..AccountKeys::default()
    };
    let credentials = Credentials::new(Gateway::Flagship, keys).unwrap();
    signed(
        endpoint(dataset),
        "http://wdt.example/openapi/",
        &credentials,
        request,
        Seconds(1_325_347_200 + 450_444_516),
    )
}

/// The account and the time of the vectors of the third gateway.
fn top(sign_method: &str, request: &PageRequest) -> Result<SignedRequest, WireError> {
    let keys = AccountKeys {
        app_key: "12345678".into(),
        app_secret: Some(Secret::new("helloworld")),
        session: Some(Secret::new("test")),
        sign_method: Some(sign_method.to_owned()),
        ..AccountKeys::default()
    };
    let credentials = Credentials::new(Gateway::Top, keys).unwrap();
    // 2026-01-05 08:00:00 in Asia/Shanghai
    signed(
        endpoint("cainiao_inventory"),
        "https://top.example/router/rest",
        &credentials,
        request,
        Seconds(1_767_571_200),
    )
}

fn slice(store: &str, kind: &str, inventory: &str) -> Target {
    let pairs = [("type", kind), ("inventory_type", inventory), ("store_code", store)];
    Target::Slice(Slice(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()))
}

#[test]
fn a_window_of_stock_is_the_request_that_four_clients_send() {
    let sent = flagship("flagship_stock", &request("flagship_stock", MARCH)).unwrap();
    assert_eq!(sent.body, r#"[{"start_time":"2026-03-01 00:00:00","end_time":"2026-03-31 00:00:00"}]"#);
    assert_eq!(sent.content_type, "application/json;charset=UTF-8");
    assert_eq!(
        sent.url,
        "http://wdt.example/openapi?sid=wdtapi3&key=wdt_test&salt=testsalt&timestamp=450444516\
         &method=wms.StockSpec.search2&v=1.0&page_size=100&page_no=0&calc_total=1\
         &sign=ca9ad6366906294e48e576ce4ea72018"
    );
}

#[test]
fn lists_of_ids_are_the_requests_that_four_clients_send() {
    let batch = request("flagship_stock_sync", Target::Ids(vec![2447, 2448]));
    let sent = flagship("flagship_stock_sync", &batch).unwrap();
    let body = r#"[[{"api_goods_id":2447,"force_sync":false},{"api_goods_id":2448,"force_sync":false}]]"#;
    assert_eq!(sent.body, body);
    assert!(sent.url.ends_with("&v=1.0&sign=ddbd695ed78baa2fdaec066901e63257"), "no paging: {}", sent.url);

    let method = endpoint("flagship_stock_sync").method_named("sales.StockSync.calcStock").unwrap();
    let one = PageRequest { method, ..request("flagship_stock_sync", Target::Ids(vec![2447])) };
    let sent = flagship("flagship_stock_sync", &one).unwrap();
    assert_eq!(sent.body, "[2447,false]");
    assert!(sent.url.ends_with("&v=1.0&sign=fbae1826e8eca3c8d45c4f8c01b530c4"), "no paging: {}", sent.url);

    let forced = |request: &PageRequest| {
        let params = params(&json!({"force_sync": true}));
        flagship("flagship_stock_sync", &PageRequest { params, ..request.clone() }).unwrap().body
    };
    assert_eq!(forced(&one), "[2447,true]");
    assert_eq!(forced(&batch), body.replace("false", "true"));
}

/// The signatures were computed with Python's hashlib.
#[test]
fn parameters_keep_their_json_types_and_their_own_letters() {
    let given = params(&json!({"spec_nos": ["测试款-01", "玻尿酸①"], "warehouse_no": "北京/一号&仓<A>", "mask": 3}));
    let stock = PageRequest { page_no: 3, page_size: 1000, params: given, ..request("flagship_stock", MARCH) };
    let sent = flagship("flagship_stock", &stock).unwrap();
    assert_eq!(
        sent.body,
        r#"[{"start_time":"2026-03-01 00:00:00","end_time":"2026-03-31 00:00:00","spec_nos":["测试款-01","玻尿酸①"],"warehouse_no":"北京/一号&仓<A>","mask":3}]"#
    );
    assert!(
        sent.url.contains("&page_size=1000&page_no=3&calc_total=0&sign=3937c9b4f254bf8d5d6472e28d0b19fd"),
        "{}",
        sent.url
    );

    let given = params(&json!({"shop_no": "北京一号店"}));
    let goods = PageRequest { page_size: 50, params: given, ..request("flagship_goods", MARCH) };
    let sent = flagship("flagship_goods", &goods).unwrap();
    assert_eq!(
        sent.body,
        r#"[{"start_time":"2026-03-01 00:00:00","end_time":"2026-03-31 00:00:00","shop_no":"北京一号店"}]"#
    );
    assert!(
        sent.url.ends_with("&page_size=50&page_no=0&calc_total=1&sign=ac0480d24c78d348689b938ef959fcc5"),
        "{}",
        sent.url
    );
}

#[test]
fn every_page_of_a_slice_is_asked_for_its_total() {
    let shops = request("flagship_shops", Target::Slice(Slice::default()));
    for page_no in 0..2 {
        let sent = flagship("flagship_shops", &PageRequest { page_no, ..shops.clone() }).unwrap();
        assert_eq!(sent.body, "[{}]");
        assert!(sent.url.contains(&format!("&page_no={page_no}&calc_total=1&")), "{}", sent.url);
    }
}

#[test]
fn a_slice_is_signed_as_the_vendor_s_own_client_signs_it() {
    let request = PageRequest { page_size: 50, ..request("cainiao_inventory", slice("STORE_3849", "1", "1")) };
    for (method, sign) in [
        ("md5", "43ED117C52E5B0EFA3D3A2FB0CC41FDC"),
        ("hmac", "27EB9C8E9031F70F3D625324C813CB9C"),
        ("hmac-sha256", "4FD3B7E19C6DC23E33CFA718CBC6832EDBCFA3408F5086B509640A4302F5FF33"),
    ] {
        let sent = top(method, &request).unwrap();
        assert_eq!(sent.url, "https://top.example/router/rest", "session and sign stay out of access logs");
        assert_eq!(sent.content_type, "application/x-www-form-urlencoded;charset=UTF-8");
        assert_eq!(
            sent.body,
            format!(
                "app_key=12345678&session=test&timestamp=2026-01-05+08%3A00%3A00&sign_method={method}\
                 &method=taobao.wlb.wms.inventory.query&format=json&v=2.0&page_size=50&page_no=1\
                 &type=1&inventory_type=1&store_code=STORE_3849&sign={sign}"
            )
        );
    }
}

#[test]
fn a_value_without_text_is_never_sent() {
    for value in ["", "  "] {
        let params = params(&json!({"channel_code": value}));
        let request = PageRequest { params, ..request("cainiao_inventory", slice("S", "3", "1")) };
        let error = top("md5", &request).unwrap_err().to_string();
        assert!(error.contains("`channel_code`"), "{error}");
    }
    let error = top("md5", &request("cainiao_inventory", slice("", "1", "1"))).unwrap_err().to_string();
    assert!(error.contains("`store_code`"), "{error}");
}

#[test]
fn what_belongs_to_the_run_cannot_be_set_by_a_parameter() {
    let override_with = |dataset: &str, target: Target, name: &str| {
        let params = [(name.to_owned(), Value::from("x"))].into();
        let request = PageRequest { params, ..request(dataset, target) };
        let sent = if dataset == "cainiao_inventory" { top("md5", &request) } else { flagship(dataset, &request) };
        let error = sent.unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    };
    for name in ["start_time", "end_time", "page_no", "calc_total", "sign", "body", "salt", "unknown"] {
        override_with("flagship_stock", MARCH, name);
    }
    for name in ["store_code", "type", "page_no", "session", "sign", "format"] {
        override_with("cainiao_inventory", slice("S", "1", "1"), name);
    }
    override_with("flagship_stock_sync", Target::Ids(vec![1]), "api_goods_id");
}

#[test]
fn a_request_shows_neither_address_nor_body() {
    let shown = format!("{:?}", flagship("flagship_stock", &request("flagship_stock", MARCH)).unwrap());
    assert!(!shown.contains("testsalt"), "{shown}");
    let shown = format!("{:?}", top("md5", &request("cainiao_inventory", slice("S", "1", "1"))).unwrap());
    assert!(!shown.contains("test"), "{shown}");
}
