import { describe, expect, it } from 'vitest';
import { compareLives } from '../src/compare/compare-lives.js';
import { comparedLives } from '../src/compare/compared-lives.js';

/** `npm run compare-weed-backup` goes through all of them. */
const EXPECTED = {
  'delete, vacuum, append': 'resurrected',
  'empty files': 'missing',
} as const;

describe('weed backup and holdfast backup through the same life of a real server', () => {
  for (const [name, finding] of Object.entries(EXPECTED))
    it(`${name}: one copy has something ${finding} and said success, the other is equal`, async () => {
      const lives = comparedLives.filter((life) => life.name === name);
      const [result] = await compareLives(lives);
      expect(result?.weedBackup).toMatchObject({ saidSuccessWrongly: true });
      expect(result?.weedBackup.found).toContain(finding);
      expect(result?.holdfastBackup).toMatchObject({ found: ['equal'], saidSuccessWrongly: false });
    }, 120_000);
});
