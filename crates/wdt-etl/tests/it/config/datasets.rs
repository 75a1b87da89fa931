//! What each dataset may be told: method, parameters, slices, ids.

use wdt_etl::config::Ids;
use wdt_models::{Endpoint, Gateway, ParamKind, SyncMode, endpoints};

use super::*;

/// One account of a dataset's gateway with these datasets, each a name and its lines.
fn account(gateway: &str, datasets: &[(&str, &str)]) -> String {
    let keys = match gateway {
        "top" => "session = { env = \"SALTED\" }",
        _ => "sid = \"s\"",
    };
    let datasets = datasets.iter().map(|(name, lines)| format!("[[accounts.datasets]]\nname = \"{name}\"\n{lines}\n"));
    format!(
        "[warehouse]\nurl = \"w\"\n[[accounts]]\nname = \"main\"\ngateway = \"{gateway}\"\n{keys}\napp_key = \"k\"\n\
         app_secret = {{ env = \"SALTED\" }}\n{}",
        datasets.collect::<String>()
    )
}

fn variables() -> Variables {
    [("SALTED", "a:b")].into_iter().collect()
}

fn read(gateway: &str, datasets: &[(&str, &str)]) -> Vec<Dataset> {
    parse_with(&account(gateway, datasets), &variables()).unwrap().accounts.remove(0).datasets
}

fn faults(gateway: &str, datasets: &[(&str, &str)]) -> String {
    faults_with(&account(gateway, datasets), &variables())
}

fn inventory(lines: &str) -> Dataset {
    read("top", &[("cainiao_inventory", &format!("stores = [\"S1\"]\n{lines}"))]).remove(0)
}

fn inventory_faults(lines: &str) -> String {
    faults("top", &[("cainiao_inventory", lines)])
}

fn stock_faults(lines: &str) -> String {
    faults("flagship", &[("flagship_stock", lines)])
}

/// The last dataset of an account that has `flagship_goods` too.
fn sync(lines: &str) -> Dataset {
    read("flagship", &[("flagship_goods", ""), ("flagship_stock_sync", lines)]).remove(1)
}

fn sync_faults(lines: &str) -> String {
    faults("flagship", &[("flagship_goods", ""), ("flagship_stock_sync", lines)])
}

fn slices(dataset: &Dataset) -> Vec<String> {
    dataset.slices.iter().map(ToString::to_string).collect()
}

mod methods {
    use super::*;

    #[test]
    fn the_documented_one_or_another() {
        let stock = |lines: &str| read("flagship", &[("flagship_stock", lines)]).remove(0);
        assert_eq!((stock("").method.name, stock("").page_size), ("wms.StockSpec.search2", 1000));
        assert_eq!(stock("method = \"wms.StockSpec.search\"").method.name, "wms.StockSpec.search");
        let one_by_one = sync("method = \"sales.StockSync.calcStock\"");
        assert_eq!((sync("").page_size, one_by_one.page_size), (100, 1));
        let batches = sync("page_size = 20");
        assert_eq!((batches.method.name, batches.page_size), ("sales.StockSync.batchCalcStock", 20));
    }

    #[test]
    fn no_others() {
        insta::assert_snapshot!(stock_faults("method = \"wms.StockSpec.serch\""), @r#"
        wdt-etl.toml:11:10: accounts[0].datasets[0].method: flagship_stock has no method `wms.StockSpec.serch`
          hint: did you mean `wms.StockSpec.search`? methods of this dataset: wms.StockSpec.search2, wms.StockSpec.search
        "#);
        insta::assert_snapshot!(sync_faults("method = \"sales.StockSync.calcStock\"\npage_size = 2"), @r#"
        wdt-etl.toml:15:13: accounts[0].datasets[1].page_size: must be a whole number from 1 to 1
        "#);
    }
}

mod params {
    use super::*;

    #[test]
    fn are_read_by_their_kind() {
        let stock = |params: &str| {
            let lines = format!("params = {{ {params} }}");
            super::super::params(&read("flagship", &[("flagship_stock", &lines)])[0])
        };
        assert_eq!(stock("mask = 3, need_alarm_info = \"1\""), r#"{"mask":3,"need_alarm_info":1}"#);
        assert_eq!(stock("warehouse_no = 7"), r#"{"warehouse_no":"7"}"#);
        assert_eq!(stock("spec_nos = [\"A\", 7], status = \"0,1\""), r#"{"spec_nos":["A","7"],"status":"0,1"}"#);
        assert_eq!(stock("spec_nos = \"A\""), r#"{"spec_nos":["A"]}"#);
        let inventory = |params: &str| super::super::params(&inventory(&format!("params = {{ {params} }}")));
        assert_eq!(
            inventory("simplify = true, produce_date = \"2024-04-01 00:00:00\", batch_code = \"B-1\""),
            r#"{"batch_code":"B-1","produce_date":"2024-04-01 00:00:00","simplify":true}"#
        );
        assert_eq!(inventory("simplify = 0"), r#"{"simplify":false}"#);
    }

    /// Each kind's simplest value.
    fn value(kind: ParamKind) -> &'static str {
        match kind {
            ParamKind::Text => "\"A\"",
            ParamKind::Int => "1",
            ParamKind::Boolean => "true",
            ParamKind::Texts => "[\"A\"]",
            ParamKind::Time => "\"2024-04-01 00:00:00\"",
        }
    }

    #[test]
    fn every_documented_one_of_every_endpoint_is_taken() {
        for endpoint in endpoints::ALL {
            let params: Vec<_> =
                endpoint.params.iter().map(|param| format!("{} = {}", param.name, value(param.kind))).collect();
            let dataset = smallest(endpoint, &format!("params = {{ {} }}", params.join(", ")));
            assert_eq!(dataset.params.len(), endpoint.params.len(), "{}", endpoint.dataset);
        }
    }

    /// The dataset alone in an account, with what it must have.
    fn smallest(endpoint: &Endpoint, lines: &str) -> Dataset {
        let needs = match endpoint.sync {
            SyncMode::Ids(_) => "rec_ids = [1]",
            SyncMode::Slices(dimensions) if !dimensions.is_empty() => "stores = [\"S\"]",
            _ => "",
        };
        read(endpoint.gateway.name(), &[(endpoint.dataset, &format!("{needs}\n{lines}"))]).remove(0)
    }

    #[test]
    fn of_another_type() {
        let params = "params = { mask = \"all\", need_alarm_info = true, spec_nos = [\"A\", { b = 1 }, \"A\", \"\"], status = 2024-05-01 }";
        insta::assert_snapshot!(stock_faults(params), @r#"
        wdt-etl.toml:11:19: accounts[0].datasets[0].params.mask: expected a whole number, found text
        wdt-etl.toml:11:44: accounts[0].datasets[0].params.need_alarm_info: expected a whole number, found true or false
        wdt-etl.toml:11:67: accounts[0].datasets[0].params.spec_nos[1]: expected text, a decimal number, true or false, found a table
        wdt-etl.toml:11:78: accounts[0].datasets[0].params.spec_nos[2]: is listed twice
          hint: remove one
        wdt-etl.toml:11:83: accounts[0].datasets[0].params.spec_nos[3]: is empty
          hint: give it a value, or remove it
        wdt-etl.toml:11:97: accounts[0].datasets[0].params.status: expected text, a decimal number, true or false, found a date without quotes
          hint: put it in quotes
        "#);
        insta::assert_snapshot!(stock_faults("params = { mask = 1.5, spec_nos = [], warehouse_no = [\"W\"] }"), @r#"
        wdt-etl.toml:11:19: accounts[0].datasets[0].params.mask: expected a whole number, found a number
        wdt-etl.toml:11:35: accounts[0].datasets[0].params.spec_nos: is empty
          hint: write a list of texts, as in ["A", "B"]
        wdt-etl.toml:11:54: accounts[0].datasets[0].params.warehouse_no: expected text, a decimal number, true or false, found a list
        "#);
        let params = "stores = [\"S\"]\nparams = { simplify = \"yes\", due_date = 2024-05-01 00:00:00, produce_date = \"2024-05-01\" }";
        insta::assert_snapshot!(inventory_faults(params), @r#"
        wdt-etl.toml:12:23: accounts[0].datasets[0].params.simplify: expected true or false, found text
        wdt-etl.toml:12:41: accounts[0].datasets[0].params.due_date: expected text in quotes, found a date without quotes
          hint: put it in quotes
        wdt-etl.toml:12:77: accounts[0].datasets[0].params.produce_date: `2024-05-01` is not a time
          hint: write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in "2024-05-01 00:00:00"
        "#);
        insta::assert_snapshot!(stock_faults("params = { spec_nos = [\"a\\nb\", \"😀\"] }"), @r#"
        wdt-etl.toml:11:24: accounts[0].datasets[0].params.spec_nos[0]: contains a line break or another control character
          hint: write it as the platform shows it, on one line
        wdt-etl.toml:11:32: accounts[0].datasets[0].params.spec_nos[1]: contains a character above U+FFFF, which the platforms cannot sign
          hint: write it as the platform shows it, on one line
        "#);
    }

    #[test]
    fn that_the_run_sets_itself_or_nobody_knows() {
        insta::assert_snapshot!(stock_faults("params = { start_time = \"x\", page_no = 1, page_size = 5, method = \"x\", waerhouse_no = \"W\" }"), @r#"
        wdt-etl.toml:11:25: accounts[0].datasets[0].params.start_time: is set by the run itself
          hint: use the dataset's key `start`
        wdt-etl.toml:11:40: accounts[0].datasets[0].params.page_no: is set by the run itself
          hint: remove it
        wdt-etl.toml:11:55: accounts[0].datasets[0].params.page_size: is set by the run itself
          hint: use the dataset's key `page_size`
        wdt-etl.toml:11:67: accounts[0].datasets[0].params.method: is set by the run itself
          hint: use the dataset's key `method`
        wdt-etl.toml:11:87: accounts[0].datasets[0].params.waerhouse_no: unknown parameter
          hint: did you mean `warehouse_no`? parameters of flagship_stock: spec_nos, warehouse_no, mask, need_alarm_info, status
        "#);
        insta::assert_snapshot!(inventory_faults("stores = [\"S\"]\nparams = { store_code = \"S\", type = 1, inventory_type = 1, start_time = \"x\" }"), @r#"
        wdt-etl.toml:12:25: accounts[0].datasets[0].params.store_code: is set by the run itself
          hint: use the dataset's key `stores`
        wdt-etl.toml:12:37: accounts[0].datasets[0].params.type: is set by the run itself
          hint: use the dataset's key `types`
        wdt-etl.toml:12:57: accounts[0].datasets[0].params.inventory_type: is set by the run itself
          hint: use the dataset's key `inventory_types`
        wdt-etl.toml:12:73: accounts[0].datasets[0].params.start_time: unknown parameter
          hint: parameters of cainiao_inventory: item_id, batch_code, produce_date, due_date, channel_code, simplify
        "#);
        insta::assert_snapshot!(sync_faults("params = { api_goods_id = 1, rec_id = 1 }"), @r#"
        wdt-etl.toml:14:27: accounts[0].datasets[1].params.api_goods_id: is set by the run itself
          hint: use the dataset's key `rec_ids`
        wdt-etl.toml:14:39: accounts[0].datasets[1].params.rec_id: is set by the run itself
          hint: use the dataset's key `rec_ids`
        "#);
        let own = "sid key appkey app_key salt v timestamp calc_total sign session sign_method format";
        for name in own.split(' ') {
            let told = stock_faults(&format!("params = {{ {name} = 1 }}"));
            assert!(told.ends_with(&format!("{name}: is set by the run itself\n  hint: remove it")), "{told}");
        }
    }
}

mod slices {
    use super::{inventory, inventory_faults, read, slices};

    #[test]
    fn are_every_combination_of_what_is_listed() {
        let default = slices(&inventory(""));
        assert_eq!((default.len(), default[0].as_str()), (6, "store_code=S1 type=1 inventory_type=1"));
        assert_eq!(default[5], "store_code=S1 type=1 inventory_type=301");
        let listed =
            read("top", &[("cainiao_inventory", "stores = [\"S2\", 1]\ntypes = [2, \"1\"]\ninventory_types = [101]")]);
        assert_eq!(
            slices(&listed[0]),
            [
                "store_code=S2 type=2 inventory_type=101",
                "store_code=S2 type=1 inventory_type=101",
                "store_code=1 type=2 inventory_type=101",
                "store_code=1 type=1 inventory_type=101",
            ]
        );
        assert_eq!(slices(&read("flagship", &[("flagship_shops", "")])[0]), ["all"]);
    }

    #[test]
    fn that_the_platform_does_not_know() {
        insta::assert_snapshot!(inventory_faults(""), @r#"
        wdt-etl.toml:9:1: accounts[0].datasets[0].stores: is missing, for account `main`
          hint: list warehouse codes, as in stores = ["…"]
        "#);
        insta::assert_snapshot!(inventory_faults("stores = [\"S\"]\ntypes = [1, 4]\ninventory_types = [\"good\", 104]"), @r#"
        wdt-etl.toml:12:13: accounts[0].datasets[0].types[1]: unknown type `4`, for account `main`
          hint: values of types: 1, 2, 3
        wdt-etl.toml:13:20: accounts[0].datasets[0].inventory_types[0]: unknown inventory_type `good`, for account `main`
          hint: values of inventory_types: 1, 101, 102, 103, 201, 301
        wdt-etl.toml:13:28: accounts[0].datasets[0].inventory_types[1]: unknown inventory_type `104`, for account `main`
          hint: did you mean `103`? values of inventory_types: 1, 101, 102, 103, 201, 301
        "#);
        insta::assert_snapshot!(inventory_faults("stores = [\"S\", \"T\", \"S\"]\ntypes = [1, \"1\"]"), @r#"
        wdt-etl.toml:11:21: accounts[0].datasets[0].stores[2]: is listed twice
          hint: remove one
        wdt-etl.toml:12:13: accounts[0].datasets[0].types[1]: is listed twice
          hint: remove one
        "#);
        insta::assert_snapshot!(inventory_faults("stores = [\"S\", true, \"\", \"😀\"]\ntypes = []\ninventory_types = 1"), @r#"
        wdt-etl.toml:11:16: accounts[0].datasets[0].stores[1]: expected text in quotes or a whole number, found true or false
        wdt-etl.toml:11:22: accounts[0].datasets[0].stores[2]: is empty
          hint: give it a value, or remove it
        wdt-etl.toml:11:26: accounts[0].datasets[0].stores[3]: contains a character above U+FFFF, which the platforms cannot sign
          hint: write it as the platform shows it, on one line
        wdt-etl.toml:12:9: accounts[0].datasets[0].types: is empty
          hint: list cuts of the stock: 1 sum, 2 by batch, 3 by channel, as in types = [1, 2, 3]
        wdt-etl.toml:13:19: accounts[0].datasets[0].inventory_types: expected a list of texts or whole numbers, found a number
          hint: list states of the stock: 1 good, 101 defective, 102 and 103 damaged, 201 frozen, 301 on its way, as in inventory_types = [1, 101, 102, 103, 201, 301]
        "#);
    }
}

mod ids {
    use super::*;

    #[test]
    fn are_those_landed_or_those_listed() {
        assert_eq!((sync("").ids, sync("ids_from = \"flagship_goods\"").ids), (Ids::Landed, Ids::Landed));
        assert_eq!(sync("rec_ids = [2448, 2447]").ids, Ids::Listed(vec![2448, 2447]));
        let alone = read("flagship", &[("flagship_stock_sync", "rec_ids = [1]")]);
        assert_eq!(alone[0].ids, Ids::Listed(vec![1]), "nothing else is needed for a list");
        let names: Vec<_> = read("flagship", &[("flagship_stock_sync", ""), ("flagship_goods", "")])
            .iter()
            .map(|dataset| dataset.endpoint.dataset)
            .collect();
        assert_eq!(names, ["flagship_stock_sync", "flagship_goods"], "the file's order");
    }

    #[test]
    fn that_are_none() {
        insta::assert_snapshot!(sync_faults("rec_ids = [2447, \"2448\", \"abc\", 0, -1, 2.5, 2447]"), @r#"
        wdt-etl.toml:14:18: accounts[0].datasets[1].rec_ids[1]: is not an id, for account `main`
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        wdt-etl.toml:14:26: accounts[0].datasets[1].rec_ids[2]: is not an id, for account `main`
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        wdt-etl.toml:14:33: accounts[0].datasets[1].rec_ids[3]: is not an id, for account `main`
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        wdt-etl.toml:14:36: accounts[0].datasets[1].rec_ids[4]: is not an id, for account `main`
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        wdt-etl.toml:14:40: accounts[0].datasets[1].rec_ids[5]: is not an id, for account `main`
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        wdt-etl.toml:14:45: accounts[0].datasets[1].rec_ids[6]: is listed twice
          hint: remove one
        "#);
        insta::assert_snapshot!(sync_faults("rec_ids = []"), @r#"
        wdt-etl.toml:14:11: accounts[0].datasets[1].rec_ids: is empty
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        "#);
        insta::assert_snapshot!(sync_faults("rec_ids = 2447"), @r#"
        wdt-etl.toml:14:11: accounts[0].datasets[1].rec_ids: expected a list of ids, found a number
          hint: write whole numbers from 1, without quotes, as in rec_ids = [2447]
        "#);
        insta::assert_snapshot!(sync_faults("rec_ids = [2447]\nids_from = \"flagship_goods\""), @r#"
        wdt-etl.toml:15:12: accounts[0].datasets[1].ids_from: cannot be combined with rec_ids
          hint: keep one of the two
        "#);
    }

    #[test]
    fn of_a_dataset_that_is_not_there() {
        insta::assert_snapshot!(sync_faults("ids_from = \"flagship_stock\""), @r#"
        wdt-etl.toml:14:12: accounts[0].datasets[1].ids_from: `flagship_stock` has no ids for flagship_stock_sync
          hint: write "flagship_goods", or list rec_ids instead
        "#);
        insta::assert_snapshot!(faults("flagship", &[("flagship_stock_sync", "")]), @r#"
        wdt-etl.toml:9:1: accounts[0].datasets[0]: flagship_stock_sync takes its ids from flagship_goods, which is not configured for account `main`
          hint: add an [[accounts.datasets]] section with name = "flagship_goods", or list rec_ids
        "#);
        insta::assert_snapshot!(faults("flagship", &[("flagship_stock_sync", "ids_from = \"flagship_goods\"\npage_size = 0")]), @r#"
        wdt-etl.toml:11:12: accounts[0].datasets[0].ids_from: flagship_stock_sync takes its ids from flagship_goods, which is not configured for account `main`
          hint: add an [[accounts.datasets]] section with name = "flagship_goods", or list rec_ids
        wdt-etl.toml:12:13: accounts[0].datasets[0].page_size: must be a whole number from 1 to 100
        "#);
    }

    #[test]
    fn forced_or_not() {
        let params = |lines: &str| params(&sync(lines));
        assert_eq!(params("force_sync = true"), r#"{"force_sync":true}"#);
        assert_eq!(params("params = { force_sync = true }"), params("force_sync = true"));
        assert_eq!(params("force_sync = false"), params(""), "what is off is no other question");
        insta::assert_snapshot!(sync_faults("force_sync = true\nparams = { force_sync = true }"), @r#"
        wdt-etl.toml:14:14: accounts[0].datasets[1].force_sync: is also set in params
          hint: set it once
        "#);
        insta::assert_snapshot!(sync_faults("force_sync = \"yes\""), @r#"
        wdt-etl.toml:14:14: accounts[0].datasets[1].force_sync: expected true or false, found text
        "#);
    }
}

#[test]
fn keys_of_another_dataset() {
    insta::assert_snapshot!(stock_faults("stores = [\"S\"]\ntypes = [1]\nrec_ids = [1]\nforce_sync = true\nparam = 1"), @r#"
    wdt-etl.toml:11:1: accounts[0].datasets[0].stores: belongs to cainiao_inventory
      hint: remove it
    wdt-etl.toml:12:1: accounts[0].datasets[0].types: belongs to cainiao_inventory
      hint: remove it
    wdt-etl.toml:13:1: accounts[0].datasets[0].rec_ids: belongs to flagship_stock_sync
      hint: remove it
    wdt-etl.toml:14:1: accounts[0].datasets[0].force_sync: belongs to flagship_stock_sync
      hint: remove it
    wdt-etl.toml:15:1: accounts[0].datasets[0].param: unknown key
      hint: did you mean `params`? known keys here: name, method, start, page_size, params, personal
    "#);
    insta::assert_snapshot!(inventory_faults("stores = [\"S\"]\nstart = \"2024-01-01 00:00:00\"\nstore = 1"), @r#"
    wdt-etl.toml:12:1: accounts[0].datasets[0].start: cainiao_inventory is read whole each run
      hint: remove it
    wdt-etl.toml:13:1: accounts[0].datasets[0].store: unknown key
      hint: did you mean `stores`? known keys here: name, method, stores, types, inventory_types, page_size, params, personal
    "#);
    insta::assert_snapshot!(sync_faults("start = \"yesterday\"\nstores = 1"), @r#"
    wdt-etl.toml:14:1: accounts[0].datasets[1].start: flagship_stock_sync is read whole each run
      hint: remove it
    wdt-etl.toml:15:1: accounts[0].datasets[1].stores: belongs to cainiao_inventory
      hint: remove it
    "#);
}

#[test]
fn a_dataset_of_another_gateway() {
    insta::assert_snapshot!(faults("flagship", &[("enterprise_stock", "")]), @r#"
    wdt-etl.toml:10:8: accounts[0].datasets[0].name: `enterprise_stock` belongs to gateway enterprise
      hint: datasets of this version: flagship_stock, flagship_goods, flagship_stock_sync, flagship_warehouses, flagship_shops
    "#);
    for endpoint in endpoints::ALL {
        for gateway in Gateway::ALL.iter().filter(|gateway| **gateway != endpoint.gateway) {
            let told = faults(gateway.name(), &[(endpoint.dataset, "")]);
            assert!(told.contains(&format!("belongs to gateway {}", endpoint.gateway)), "{told}");
        }
    }
}
