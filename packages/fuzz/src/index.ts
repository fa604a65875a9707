export { type BitFlipFigures, type BitFlipOptions, flipBits } from './bit-flips.js';
export { type CampaignOptions, type Failure, runCampaign, type TargetFigures } from './campaign.js';
export { type CorpusInput, readCorpus } from './corpus.js';
export { createDice, type Dice } from './dice.js';
export type { FuzzTarget, ReadyTarget } from './fuzz-target.js';
export { judge, type Verdict } from './judge.js';
export { minimise } from './minimise.js';
export { mutate } from './mutate.js';
export { fuzzTargets } from './targets/index.js';
