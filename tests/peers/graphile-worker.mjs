// graphile-worker's side of `tests/peers/jobs`.
//   ready URL             ends with 0 once the server answers
//   create URL DATABASE   makes a database
//   run URL JOBS          prints {value: jobs/s, p50_ms, p99_ms}
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const PICKUPS = 200;
const [command, url, argument] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: 26 });
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {}));
const quiet = { logger: { scope: () => quiet.logger, error: console.error, warn() {}, info() {}, debug() {} } };

/** Starts a worker; `done` is called once a job is settled in the database. */
async function start(worker, done) {
  const runner = await run({
    pgPool: pool,
    noHandleSignals: true,
    taskList: { noop: async () => {} },
    preset: { worker: { concurrentJobs: 24, pollInterval: 1000, ...quiet, ...worker } },
  });
  runner.events.on("job:complete", done);
  return runner;
}

async function queue(jobs) {
  await pool.query("select graphile_worker.add_job('noop', '{}'::json) from generate_series(1, $1::int)", [jobs]);
}

async function measureThroughput(jobs) {
  for (let left = jobs; left > 0; left -= 10_000) await queue(Math.min(left, 10_000));
  let left = jobs;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const begun = performance.now();
  // Batches, as its performance page recommends them for throughput.
  const runner = await start(
    { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
    () => --left === 0 && finish(),
  );
  await finished;
  const rate = (jobs / (performance.now() - begun)) * 1000;
  await runner.stop();
  const { rows } = await pool.query("select count(*)::int as left from graphile_worker.jobs");
  if (rows[0].left > 0) throw new Error(`${rows[0].left} jobs were not done`);
  return rate;
}

/** From the commit of one job to its end, on an idle system; without batches, which wait. */
async function measurePickups() {
  let finish = () => {};
  const runner = await start({}, () => finish());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const pickups = [];
  for (let at = 0; at < PICKUPS; at++) {
    const finished = new Promise((resolve) => (finish = resolve));
    await queue(1);
    const begun = performance.now();
    await finished;
    pickups.push(performance.now() - begun);
  }
  await runner.stop();
  pickups.sort((one, other) => one - other);
  const quantile = (share) => pickups[Math.ceil(share * PICKUPS) - 1];
  return { p50_ms: quantile(0.5), p99_ms: quantile(0.99) };
}

if (command === "ready") {
  await pool.query("select 1");
} else if (command === "create") {
  await pool.query(`create database ${argument}`);
} else if (command === "run") {
  const utils = await makeWorkerUtils({ pgPool: pool, ...quiet });
  await utils.migrate();
  const value = await measureThroughput(Number(argument));
  console.log(JSON.stringify({ value, ...(await measurePickups()) }));
} else {
  throw new Error(`unknown command ${command}`);
}
process.exit(0);
