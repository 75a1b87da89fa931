//! A simulated ERP, a warehouse in a temporary folder, and the means to compare the two.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::sync::watch;
use wdt_etl::commands::simulate;
use wdt_etl::config::{Config, Dataset};
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::{Live, Order, RunOutcome, Select, Surroundings, run};
use wdt_etl::report::Silent;
use wdt_fetch::{Clock, SystemClock, Waits};
use wdt_models::decode::{Asked, decode};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Endpoint, Gateway, Slice, Window, endpoints};
use wdt_sim::{Account, Fault, FaultPlan, Sim, SimConfig};
use wdt_warehouse::Format;
use wdt_warehouse::contents;

/// Seed of every world: printed with each failure, since the worlds' names hold it.
pub(crate) const SEED: u64 = 20_261_122;
/// Time that passes between two runs of a test: more than settle.
pub(crate) const BETWEEN: i64 = 900;

/// The stores that are read, of those that the simulator has.
pub(crate) const STORES: &str = "[\"STORE_1\", \"STORE_2\"]";

/// The local clock, moved by an offset that tests change, or stopped.
#[derive(Clone, Default)]
pub(crate) struct TestClock {
    offset: Arc<AtomicI64>,
    /// The time that it shows for ever; 0 while it goes.
    stopped: Arc<AtomicI64>,
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        match self.stopped.load(Ordering::Relaxed) {
            0 => SystemClock.now() + self.offset.load(Ordering::Relaxed) * 1000,
            stopped => Millis(stopped),
        }
    }
}

impl TestClock {
    pub(crate) fn seconds(&self) -> i64 {
        self.now().floor_seconds().0
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }

    /// From now on it is always now.
    pub(crate) fn stop(&self) {
        self.stopped.store(self.now().0, Ordering::Relaxed);
    }
}

/// The endpoints of the account that a [`World`] has.
pub(crate) fn enterprise() -> impl Iterator<Item = &'static Endpoint> {
    endpoints::ALL.iter().copied().filter(|endpoint| endpoint.gateway == Gateway::Enterprise)
}

/// What goes wrong with the calls of certain numbers, or happens while they are made; changed while the simulator runs.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<Step>>);

type Step = Box<dyn FnMut(u64) -> Option<Fault> + Send>;

impl Script {
    fn plan(&self) -> FaultPlan {
        let script = self.clone();
        FaultPlan::Script(Arc::new(move |number| script.0.lock().unwrap()(number)))
    }

    /// From now on this decides; the number is that of the call.
    pub(crate) fn set(&self, step: impl FnMut(u64) -> Option<Fault> + Send + 'static) {
        *self.0.lock().unwrap() = Box::new(step);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn end(&self) {
        self.set(|_| None);
    }
}

/// A simulated ERP and a warehouse.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) clock: TestClock,
    pub(crate) folder: TempDir,
    pub(crate) script: Script,
}

impl World {
    /// Rows per dataset over the 21 days before now; the clock begins [`BETWEEN`] seconds ago.
    pub(crate) fn new(rows: u32, change: impl FnOnce(&mut SimConfig)) -> Self {
        let rows: Vec<_> = enterprise().map(|endpoint| (endpoint.dataset, rows)).collect();
        let world = Self::simulated(&rows, change);
        world.write_config("");
        world
    }

    /// Accounts on all three gateways, each with every dataset, of two stores and from a month ago; the named datasets have so many rows.
    pub(crate) fn of_all_gateways(rows: &[(&str, u32)], change: impl FnOnce(&mut SimConfig)) -> Self {
        let world = Self::simulated(rows, change);
        let accounts = simulate::accounts(&world.sim, 0, |account, key| format!("{{ file = \"{account}-{key}\" }}"));
        for (account, key, secret) in simulate::secrets() {
            std::fs::write(world.folder.path().join(format!("{account}-{key}")), secret.expose()).unwrap();
        }
        let text = format!("[warehouse]\nurl = \"warehouse\"\n\n[run]\n\n{}", with_stores(&accounts));
        std::fs::write(world.config_path(), text).unwrap();
        let start = wdt_models::time::format_wall_time(Seconds(world.clock.seconds() - 30 * 86_400));
        for endpoint in endpoints::ALL.iter().filter(|endpoint| endpoint.cursor().is_some()) {
            let name = format!("name = \"{}\"\n", endpoint.dataset);
            world.edit_config(&name, &format!("{name}start = \"{start}\"\n"));
        }
        world
    }

    fn simulated(rows: &[(&str, u32)], change: impl FnOnce(&mut SimConfig)) -> Self {
        println!("seed {SEED}");
        let clock = TestClock::default();
        clock.advance(-BETWEEN);
        let now = clock.seconds();
        let sim_clock = clock.clone();
        let mut config = SimConfig::new(Arc::new(move || sim_clock.seconds()));
        config.seed = SEED;
        config.span = Some(Window::new(Seconds(now - 21 * 86_400), Seconds(now - 600)));
        for (dataset, rows) in rows {
            config = config.with_rows(dataset, *rows);
        }
        let script = Script(Arc::new(Mutex::new(Box::new(|_| None))));
        config.faults = script.plan();
        change(&mut config);
        Self { sim: Sim::start(config).unwrap(), clock, folder: tempfile::tempdir().unwrap(), script }
    }

    /// Replaces a piece of the configuration; the piece must be there.
    pub(crate) fn edit_config(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config_path()).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        std::fs::write(self.config_path(), text.replacen(from, to, 1)).unwrap();
    }

    /// Writes the configuration, with more lines for the first dataset.
    pub(crate) fn write_config(&self, first_dataset: &str) {
        let account = Account::example(Gateway::Enterprise);
        let text = format!(
            "[warehouse]\nurl = \"warehouse\"\n\n[[accounts]]\nname = \"main\"\ngateway = \"enterprise\"\nbase_url = \"{}\"\n\
             sid = \"{}\"\napp_key = \"{}\"\napp_secret = {{ file = \"secret\" }}\ncalls_per_minute = 0\n\n\
             [[accounts.datasets]]\nname = \"enterprise_stock\"\n{first_dataset}\n\n[[accounts.datasets]]\nname = \"enterprise_goods\"\n",
            self.sim.base_url(Gateway::Enterprise),
            account.sid,
            account.app_key
        );
        std::fs::write(self.folder.path().join("secret"), account.secret.expose()).unwrap();
        std::fs::write(self.config_path(), text).unwrap();
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("wdt-etl.toml")
    }

    pub(crate) fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    pub(crate) fn config(&self) -> Config {
        Config::load(&self.config_path(), &Variables::default(), Seconds(self.clock.seconds())).unwrap()
    }

    pub(crate) fn surroundings(&self, run_id: &str) -> Surroundings {
        let (_open, stop) = watch::channel(false);
        Surroundings {
            clock: Arc::new(self.clock.clone()),
            limiters: Arc::default(),
            waits: Waits::none(),
            warehouse: None,
            transport: None,
            decisions: Arc::new(Live),
            reporter: Arc::new(Silent),
            stop,
            seed: SEED,
            run_id: run_id.to_owned(),
        }
    }

    /// One run to the end; every dataset must succeed.
    pub(crate) async fn run(&self, run_id: &str, options: &Order) -> RunOutcome {
        let outcome = run(&self.config(), options, &self.surroundings(run_id)).await.unwrap();
        assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
        outcome
    }

    /// A run of some datasets to its end, however it ends.
    pub(crate) async fn try_run(&self, run_id: &str, datasets: &[&str]) -> RunOutcome {
        let options = Order { select: only(datasets), ..Order::default() };
        run(&self.config(), &options, &self.surroundings(run_id)).await.unwrap()
    }

    /// A run of some datasets that must succeed.
    pub(crate) async fn run_of(&self, run_id: &str, datasets: &[&str]) -> RunOutcome {
        let outcome = self.try_run(run_id, datasets).await;
        assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
        outcome
    }

    /// Rows that the ERP has and the configuration asks for, as they would be decoded, sorted by key.
    pub(crate) fn erp(&self, endpoint: &'static Endpoint) -> RecordBatch {
        let config = self.config();
        let mut datasets = config.accounts.iter().flat_map(|account| &account.datasets);
        let dataset = datasets.find(|dataset| dataset.endpoint.dataset == endpoint.dataset).unwrap();
        let whole = [Slice::default()];
        let slices = if dataset.slices.is_empty() { &whole } else { dataset.slices.as_slice() };
        let batches: Vec<_> = slices.iter().map(|slice| self.erp_slice(dataset, slice)).collect();
        sorted(&concat_batches(&batches[0].schema(), &batches).unwrap(), endpoint.key)
    }

    fn erp_slice(&self, dataset: &Dataset, slice: &Slice) -> RecordBatch {
        let ledger = self.sim.ledger(dataset.endpoint.dataset).unwrap();
        let rows = ledger.rows().into_iter().filter(|row| slice.0.is_empty() || ledger.slice(*row) == *slice);
        let texts: Vec<String> = rows.map(|row| ledger.record_of(dataset.method, row)).collect();
        let records: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let decoded = decode(dataset.endpoint, &records, &Asked { page: 0, personal: dataset.personal, slice });
        assert!(decoded.refused.is_empty(), "{:?}", decoded.refused);
        decoded.batch
    }

    /// A current table: the one that Delta's own library reads, or, where none is kept, the one that is folded.
    async fn current(&self, dataset: &str) -> RecordBatch {
        match self.config().warehouse.format {
            Format::Delta => table(&self.warehouse(), dataset).await,
            Format::Parquet => {
                let warehouse = wdt_etl::warehouse::configured(&self.config()).unwrap();
                contents::rows(&warehouse, dataset).await.unwrap().unwrap()
            }
        }
    }

    /// Every current table that the configuration names equals the ERP, cell by cell.
    pub(crate) async fn assert_current_is_the_erp(&self) {
        for (_, dataset) in self.config().select(&[], &[]).unwrap() {
            self.assert_is_the_erp(dataset.endpoint).await;
        }
    }

    /// The rows of a current table that are not marked as deleted equal the ERP, cell by cell.
    pub(crate) async fn assert_is_the_erp(&self, endpoint: &'static Endpoint) {
        let wanted = self.erp(endpoint);
        let found = standing(&self.current(endpoint.dataset).await);
        assert_same_rows(&sorted(&found, endpoint.key), &wanted, endpoint.dataset);
    }
}

/// Accounts that read these stores only.
fn with_stores(accounts: &str) -> String {
    let line =
        |line: &str| if line.starts_with("stores = ") { format!("stores = {STORES}\n") } else { format!("{line}\n") };
    accounts.lines().map(line).collect()
}

/// Rows that are not marked as deleted.
pub(crate) fn standing(rows: &RecordBatch) -> RecordBatch {
    let standing = arrow::compute::is_null(rows.column_by_name("_wdt_deleted_at").unwrap()).unwrap();
    arrow::compute::filter_record_batch(rows, &standing).unwrap()
}

/// The found rows have every column of the wanted ones, with the same cells in the same order.
pub(crate) fn assert_same_rows(found: &RecordBatch, wanted: &RecordBatch, what: &str) {
    assert_eq!(found.num_rows(), wanted.num_rows(), "{what}");
    for field in wanted.schema().fields() {
        let (found, wanted) =
            (found.column_by_name(field.name()).unwrap(), wanted.column_by_name(field.name()).unwrap());
        assert_eq!(found, wanted, "{what}.{}", field.name());
    }
}

/// Every row of a Delta table, partition columns among them, read through its log and its Parquet files.
pub(crate) async fn table(warehouse: &Path, name: &str) -> RecordBatch {
    let url = deltalake::ensure_table_uri(warehouse.join(name).to_str().unwrap()).unwrap();
    let mut table = DeltaTable::try_from_url(url).await.unwrap();
    table.load().await.unwrap();
    let mut batches = Vec::new();
    for view in table.snapshot().unwrap().log_data().iter() {
        let file = std::fs::File::open(warehouse.join(name).join(view.path().as_ref())).unwrap();
        let partitions = view.partition_values_map();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            batches.push(with_partitions(&batch.unwrap(), &partitions));
        }
    }
    let schema = batches.first().expect("a table with rows").schema();
    concat_batches(&schema, &batches).unwrap()
}

fn with_partitions(batch: &RecordBatch, values: &std::collections::HashMap<String, Option<String>>) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef, bool)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), true))
        .collect();
    for (name, value) in values {
        let text = arrow::array::StringArray::from(vec![value.as_deref(); batch.num_rows()]);
        columns.push((name.clone(), Arc::new(text), true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Rows sorted by the named columns.
pub(crate) fn sorted(batch: &RecordBatch, columns: &[&str]) -> RecordBatch {
    let sort: Vec<_> = columns
        .iter()
        .map(|name| arrow::compute::SortColumn {
            values: Arc::clone(batch.column_by_name(name).unwrap()),
            options: None,
        })
        .collect();
    take_record_batch(batch, &lexsort_to_indices(&sort, None).unwrap()).unwrap()
}

/// Rows without the named columns.
pub(crate) fn without(batch: &RecordBatch, columns: &[&str]) -> RecordBatch {
    let keep: Vec<usize> = (0..batch.num_columns())
        .filter(|&position| !columns.contains(&batch.schema().field(position).name().as_str()))
        .collect();
    batch.project(&keep).unwrap()
}

/// A text column's values.
pub(crate) fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let column = batch.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.unwrap_or("null").to_owned()).collect()
}

/// An integer column's values, null as none.
pub(crate) fn numbers(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    batch.column_by_name(column).unwrap().as_primitive::<arrow::datatypes::Int64Type>().iter().collect()
}

/// How many rows of a column are null.
pub(crate) fn nulls(batch: &RecordBatch, column: &str) -> usize {
    batch.column_by_name(column).unwrap().null_count()
}

/// These datasets of every account.
pub(crate) fn only(datasets: &[&str]) -> Select {
    Select { datasets: datasets.iter().map(|&name| name.to_owned()).collect(), ..Select::default() }
}
