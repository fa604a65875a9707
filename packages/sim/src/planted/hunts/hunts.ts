import type { Hunt } from './hunt.js';

/** Each is loaded when it is asked for: a hunt that needs less of the code begins sooner. */
const HUNTS = {
  follow: async () => (await import('./follow-hunt.js')).followHunt,
  build: async () => (await import('./build-hunt.js')).buildHunt,
  step: async () => (await import('./step-hunt.js')).stepHunt,
  leader: async () => (await import('./leader-hunt.js')).leaderHunt,
  restore: async () => (await import('./restore-hunt.js')).restoreHunt,
  safety: async () => (await import('./world-hunts.js')).safetyHunt,
  liveness: async () => (await import('./world-hunts.js')).livenessHunt,
  keeping: async () => (await import('./world-hunts.js')).keepingHunt,
  format: async () => (await import('./format-hunt.js')).formatHunt,
  index: async () => (await import('./index-hunt.js')).indexHunt,
  home: async () => (await import('./home/home-hunt.js')).homeHunt,
  volume: async () => (await import('./volume-hunt.js')).volumeHunt,
  disk: async () => (await import('./disk-hunt.js')).diskHunt,
  lock: async () => (await import('./lock-hunt.js')).lockHunt,
} satisfies Readonly<Record<string, () => Promise<Hunt>>>;

export type HuntName = keyof typeof HUNTS;

export function huntOf(name: HuntName): Promise<Hunt> {
  return HUNTS[name]();
}
