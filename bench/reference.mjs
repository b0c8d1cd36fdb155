// The reference engine on one case: prints {"us", "hot_us", "bytes"} of a run with narrative and JSON.stringify of all it gives.
// `us` is the median of a few dozen runs after ten, `hot_us` that of the later half of HOT_MS more of them.
// usage: FOOTPATH_ORACLE=<folder holding node_modules/footprintjs> node reference.mjs CASE HOT_MS
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(process.env.FOOTPATH_ORACLE, 'node_modules', 'footprintjs');
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { flowChart, FlowChartExecutor, decide } = await import(pathToFileURL(join(root, pkg.exports['.'].import.default)));

const linear = (count) => {
  let b = flowChart('S0', async (s) => { s.a = 1; s.b = 2; s.c = 'three'; s.x = 0; s.y = 'zero'; }, 's0');
  for (let i = 1; i < count; i++) {
    b = b.addFunction('S' + i, async (s) => { const t = s.a + s.b; void s.c; s.x = t + i; s.y = t + 1; }, 's' + i);
  }
  return b.build();
};

const loan = () => {
  const bureau = flowChart('PullBureau', async (s) => {
    s.bureauScore = 655;
    s.tradelines = [{ id: 1, bal: 1200 }, { id: 2, bal: 88 }];
  }, 'pull', undefined, 'Pull bureau data')
    .addFunction('Normalise', async (s) => { s.normScore = s.bureauScore - 5; }, 'norm').build();
  const verdict = (text) => async (s) => { s.decision = text; };
  return flowChart('ReceiveApplication', async (s) => {
    const a = s.$getArgs();
    s.creditScore = a.cs; s.dti = a.d; s.employmentStatus = a.emp;
    s.customer = { name: 'A B', address: { city: 'X', zip: '1' } };
  }, 'receive', undefined, 'Receive the application')
    .addSubFlowChartNext('bureau', bureau, 'Bureau', {
      inputMapper: (p) => ({ appScore: p.creditScore }), outputMapper: (o) => ({ normScore: o.normScore }),
    })
    .addFunction('AssessRisk', async (s) => {
      const score = s.creditScore; const normalised = s.normScore;
      s.riskTier = score < 600 && normalised < 700 ? 'high' : 'low';
      s.$emit('loan.risk', { score });
    }, 'assess', 'Evaluate risk tier')
    .addDeciderFunction('Classify', (s) => decide(s, [
      { when: { dti: { gt: 0.5 } }, then: 'review', label: 'high-DTI' },
      { when: { creditScore: { lt: 600 }, employmentStatus: { ne: 'self' } }, then: 'review', label: 'weak-credit' },
      { when: (x) => x.riskTier === 'high', then: 'reject', label: 'fn rule' },
    ], 'approve'), 'classify', 'Route based on risk tier')
    .addFunctionBranch('review', 'ManualReview', verdict('REVIEW'))
    .addFunctionBranch('reject', 'Reject', verdict('REJECTED'))
    .addFunctionBranch('approve', 'Approve', verdict('APPROVED'))
    .setDefault('approve').end()
    .addFunction('Notify', async (s) => { s.notified = s.decision + ':' + s.riskTier; }, 'notify')
    .build();
};

const loop = (passes) => flowChart('Init', async (s) => { s.i = 0; s.total = 0; }, 'init')
  .addFunction('Step', async (s) => { const i = s.i; s.total = s.total + i; s.i = i + 1; if (i + 1 >= passes) s.$break(); }, 'step')
  .loopTo('step').build();

const fork = (count) => flowChart('Seed', async (s) => { s.base = 10; }, 'seed')
  .addListOfFunction(Array.from({ length: count }, (_, k) => ({
    id: 'c' + k, name: 'Child' + k, fn: async (s) => { s['out' + k] = s.base + k; },
  })))
  .addFunction('Join', async (s) => { s.done = true; }, 'join').build();

const large = () => {
  const rows = Array.from({ length: 8000 }, (_, id) => ({
    id, name: 'customer-' + id, balance: id * 1.5, tags: ['a', 'b'], active: id % 2 === 0,
    note: 'some text field of a row in the object ' + id,
  }));
  const blob = { rows };
  return flowChart('Seed', async (s) => { s.blob = blob; }, 'seed')
    .addFunction('UseSmall', async (s) => { s.n = 1; }, 'use')
    .addFunction('ReadBlob', async (s) => { void s.blob; s.n = 2; }, 'read').build();
};

const CASES = {
  linear50: () => [linear(50), {}, 60],
  linear5: () => [linear(5), {}, 300],
  loan: () => [loan(), { input: { cs: 580, d: 0.47, emp: 'self' } }, 300],
  loop200: () => [loop(200), { maxIterations: 1000 }, 15],
  fork20: () => [fork(20), {}, 60],
  large: () => [large(), {}, 5],
};

const once = async (chart, options) => {
  const executor = new FlowChartExecutor(chart);
  executor.enableNarrative();
  await executor.run(options);
  return JSON.stringify({
    spec: chart.buildTimeStructure, snapshot: executor.getSnapshot(), narrative: executor.getNarrativeEntries(),
  });
};

const [name, hotMs] = [process.argv[2], Number(process.argv[3])];
const [chart, options, runs] = CASES[name]();
let text = '';
const timed = async () => {
  const began = process.hrtime.bigint();
  text = await once(chart, options);
  return Number(process.hrtime.bigint() - began) / 1e3;
};
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const times = [];
for (let i = 0; i < runs + 10; i++) times.push(await timed());
const us = median(times.slice(Math.min(10, runs >> 1)));
const hot = [];
const begin = performance.now();
while (hot.length < 5 || performance.now() < begin + hotMs) hot.push(await timed());
console.log(JSON.stringify({ us, hot_us: median(hot.slice(hot.length >> 1)), bytes: Buffer.byteLength(text) }));
