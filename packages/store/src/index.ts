export { type Absence, type AbsenceLedger, openAbsenceLedger } from './absences.js';
export { assertNotServed, bindCluster, isBoundTo, readClusterBinding } from './cluster-binding.js';
export { type CompactOptions, type CompactReport, compactVolume } from './compact.js';
export { type DirectoryLock, findLockHolder, lockDirectory } from './directory-lock.js';
export type { Disk, DiskFile, FileStat, OpenOptions } from './disk.js';
export type { Host, Sha256Stream, StoreEnvironment, WriteMemory } from './environment.js';
export {
  isStoreError,
  remedyOf,
  StoreError,
  type StoreErrorCode,
  type StoreErrorDetails,
  type StoreRemedy,
} from './errors.js';
export type { Finding, FindingCode } from './finding.js';
export { type DamagedPlace, type FixOptions, type FixReport, fixIndex } from './fix.js';
export { type DetachVolumeOptions, detachVolume, isFollowing } from './generation/detach-volume.js';
export { foreseeHeld } from './generation/foresee-held.js';
export { ensureFree } from './generation/free-space.js';
export { type GenerationNeedles, openGenerationNeedles } from './generation/generation-needles.js';
export {
  type DigestFinding,
  type GenerationReader,
  type OpenGenerationReaderOptions,
  openGenerationReader,
} from './generation/generation-reader.js';
export type { GenerationState, StateFile, StateLengths } from './generation/generation-state.js';
export { openGenerationVolume } from './generation/generation-volume.js';
export type { HistoryLine } from './generation/history.js';
export { type KeptGeneration, listKeptGenerations } from './generation/kept-generations.js';
export { listVolumeHomes } from './generation/list-volume-homes.js';
export { type OpenVolumeHomeOptions, openVolumeHome } from './generation/open-volume-home.js';
export type { BuildTarget, GenerationPosition, LeaderCopyId, LeaderDamage } from './generation/position.js';
export { type RemoveVolumeOptions, removeVolume } from './generation/remove-volume.js';
export { ensureDirectory, listIfThere, readWhole, replaceFile } from './generation/small-file.js';
export type {
  FormerGeneration,
  HeldGeneration,
  HomeRecovery,
  PoolFiles,
  RetentionPolicy,
  UnfinishedGeneration,
  VolumeHome,
} from './generation/volume-home.js';
export {
  type InspectedNeedle,
  inspectNeedles,
  inspectVolume,
  type UnreadableNeedle,
  type VolumeInspection,
} from './inspect.js';
export { NeedleMap } from './needle-map.js';
export { type NeedleStream, openNeedleStream, type ReadableRecords } from './needle-stream.js';
export { type VerifyOptions, verifyFiles } from './verify.js';
export { type CreateVolumeOptions, createVolume } from './volume/create-volume.js';
export {
  type DeleteVolumeOptions,
  deleteVolume,
  removeIncompleteVolumes,
} from './volume/delete-volume.js';
export { type Expiring, isExpired } from './volume/expiry.js';
export { type OpenVolumeOptions, openVolume } from './volume/open-volume.js';
export type {
  AppendedRecord,
  AppendOptions,
  BeginCompactionOptions,
  CompactionResult,
  DeletionRecord,
  ReadOnlyMarks,
  ScanOptions,
  StagedData,
  Volume,
  VolumeCompaction,
  VolumeRecovery,
  VolumeStats,
} from './volume/volume.js';
