// What footprintjs's own recorders make of conformance cases: run from the folder of the oracle's run.mjs.
//
//   node recorders.mjs CASE.json...    print {case: [[phase, ...], ...]}, a list per run
//
// Beside them, what the executor itself answers: how much was committed at each event, and what is known of subflows.
//
// The oracle builds the chart, runs it and asks its queries as ever; the recorders are attached to each executor it
// makes, and asked after every phase, which is when it asks for the snapshot.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const beside = (...parts) => import(pathToFileURL(path.join(process.cwd(), ...parts)).href);
const lib = (name) => beside('node_modules', 'footprintjs', 'dist', 'esm', name);
const { runCase, jsonView } = await beside('run.mjs');
const main = await lib('index.js');
const trace = await lib('trace.js');

const score = (id, at) => ({
  score: Math.max(0, 1 - at.keysRead.length / 4 - at.keysWritten.length / 8),
  factors: at.keysWritten.length ? [`wrote ${at.keysWritten.join(', ')}`] : undefined,
});

function recorders() {
  const loops = {
    flow: new main.NarrativeFlowRecorder('r-flow'),
    adaptive: new main.AdaptiveNarrativeFlowRecorder(2, 3, 'r-adaptive'),
    milestone: new main.MilestoneNarrativeFlowRecorder(3, true, 'r-milestone'),
    milestoneOnly: new main.MilestoneNarrativeFlowRecorder(3, false, 'r-milestone-only'),
    progressive: new main.ProgressiveNarrativeFlowRecorder(2, 'r-progressive'),
    rle: new main.RLENarrativeFlowRecorder('r-rle'),
    separate: new main.SeparateNarrativeFlowRecorder('r-separate'),
    silent: new main.SilentNarrativeFlowRecorder('r-silent'),
    windowed: new main.WindowedNarrativeFlowRecorder(1, 1, 'r-windowed'),
  };
  const others = {
    metric: new main.MetricRecorder('r-metric'),
    filtered: new main.MetricRecorder({ id: 'r-filtered', stageFilter: (name) => name.length % 2 === 0, preferredOperation: 'translate' }),
    verbose: new main.DebugRecorder({ id: 'r-verbose', verbosity: 'verbose' }),
    minimal: new main.DebugRecorder({ id: 'r-minimal', verbosity: 'minimal' }),
    manifest: new main.ManifestFlowRecorder('r-manifest'),
    inOut: trace.inOutRecorder({ id: 'r-in-out' }),
    topology: trace.topologyRecorder({ id: 'r-topology' }),
    control: trace.controlDepRecorder({ id: 'r-control' }),
    quality: new trace.QualityRecorder(score, { id: 'r-quality' }),
    combined: main.narrative({ id: 'r-combined', includeStepNumbers: false, maxValueLength: 20 }),
    composite: new main.CompositeRecorder('r-composite', [new main.MetricRecorder('part'), new main.ManifestFlowRecorder('sub'), new main.NarrativeFlowRecorder('none')]),
  };
  return { loops, others };
}

const views = {
  flow: (r) => r.getSentences(),
  separate: (r) => [r.getSentences(), r.getLoopSentences(), r.getLoopCounts()],
  silent: (r) => [r.getSentences(), r.getLoopCounts()],
  metric: (r) => [r.getMetrics(), r.size, r.toSnapshot()],
  filtered: (r) => r.toSnapshot(),
  verbose: (r) => [r.getErrors(), r.toSnapshot()],
  minimal: (r) => r.getEntries(),
  manifest: (r) => [r.getSpecIds(), r.getSpecIds().map((id) => r.getSpec(id)), r.toSnapshot()],
  inOut: (r) => [r.getSteps().length, r.getRootBoundary().exit, r.getEntryRanges(), r.toSnapshot()],
  topology: (r) => [r.getTopology(), r.getSubflowNodes().map((n) => n.id), r.getTopology().nodes.map((n) => [r.getChildren(n.id).map((c) => c.id), r.getParallelSiblings(n.id).map((c) => c.id)])],
  control: (r) => r.getDecisions(),
  quality: (r) => [r.size, r.getOverallScore(), r.getLowest(), r.toSnapshot()],
  combined: (r) => [r.getEntries(), r.entryCount, r.stepCount, r.getEntryRanges(), Object.keys(r.getEntriesBySubflow()), r.toSnapshot().data.length],
  composite: (r) => r.toSnapshot(),
};
const suppressed = (r) => [r.getSentences(), ...(r.getSuppressedCount ? [r.getSuppressedCount()] : [])];

// Durations are no fact of a case.
const still = (value) => JSON.parse(JSON.stringify(value, (k, v) => (/^(totalDuration|grandTotal|duration)$/.test(k) && typeof v === 'number' ? 0 : v)));

// Each event with the commits that there were when it happened. Reads and writes are left out: there are many, and between commits.
const HOOKS = ['onCommit', 'onStageStart', 'onStageEnd', 'onStageExecuted', 'onDecision', 'onSelected', 'onNext', 'onFork', 'onLoop', 'onBreak', 'onSubflowEntry', 'onSubflowExit', 'onRunStart', 'onRunEnd', 'onRunFailed', 'onPause', 'onResume'];
function stamps(executor) {
  const seen = [];
  const recorder = { id: 'r-stamps' };
  for (const hook of HOOKS) recorder[hook] = (e) => seen.push([hook, e.traversalContext?.runtimeStageId ?? e.runtimeStageId ?? null, executor.getCommitCount()]);
  return { seen, recorder };
}
function answered(executor, snapshot) {
  const entries = executor.getNarrativeEntries();
  const subtrees = [...Object.keys(snapshot.subflowResults ?? {}), '/nowhere/', ''].map((key) => {
    const found = main.getSubtreeSnapshot(snapshot, key, entries);
    return found ? [key, found.subflowId, found.executionTree?.runtimeStageId, found.sharedState, found.history?.length, found.initialState, found.narrativeEntries.map((e) => e.text)] : [key];
  });
  const specs = executor.ours.manifest.getSpecIds().map((id) => executor.getSubflowSpec(id) !== undefined);
  return { stamps: executor.stamps.seen.splice(0), commits: executor.getCommitCount(), results: [...executor.getSubflowResults().keys()], manifest: executor.getSubflowManifest(), specs, subtrees };
}

let phases = [];
const { enableNarrative, getSnapshot } = main.FlowChartExecutor.prototype;
main.FlowChartExecutor.prototype.enableNarrative = function (options) {
  enableNarrative.call(this, options);
  const { loops, others } = recorders();
  this.ours = { ...loops, ...others };
  for (const r of Object.values(loops)) this.attachFlowRecorder(r);
  for (const r of Object.values(others)) this.attachCombinedRecorder(r);
  this.stamps = stamps(this);
  this.attachCombinedRecorder(this.stamps.recorder);
  this.detachCombinedRecorder('r-composite');
  this.attachScopeRecorder(others.composite);
  this.attachFlowRecorder(others.composite);
};
main.FlowChartExecutor.prototype.getSnapshot = function (options) {
  const snapshot = getSnapshot.call(this, options);
  if (options === undefined && this.ours) {
    const seen = {};
    for (const [name, r] of Object.entries(this.ours)) seen[name] = jsonView((views[name] ?? suppressed)(r));
    seen.trace = jsonView(traces(snapshot.commitLog, this.ours.quality));
    seen.bundles = jsonView(snapshot.recorders.filter((b) => b.id.startsWith('r-') && !['r-metric', 'r-verbose'].includes(b.id)).map(({ data, ...rest }) => rest));
    seen.executor = jsonView(answered(this, snapshot));
    phases.push(still(seen));
  }
  return snapshot;
};

function traces(log, quality) {
  const lowest = quality.getLowest();
  const ids = [...new Set([lowest?.runtimeStageId, log.at(-1)?.runtimeStageId, 'nowhere#9'].filter((x) => x !== undefined))];
  return ids.map((id) => {
    const t = trace.qualityTrace(log, quality, id, 5);
    return [t, trace.formatQualityTrace(t)];
  });
}

const answers = {};
for (const file of process.argv.slice(2)) {
  const name = path.basename(file, '.json');
  phases = [];
  try {
    await runCase(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch (error) {
    answers[name] = { lost: String(error) };
    continue;
  }
  answers[name] = phases;
}
process.stdout.write(JSON.stringify(answers));
