import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeHost } from '../../src/node/node-host.js';

function pretendPlatform(platform: NodeJS.Platform): void {
  const original = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...original, value: platform });
  onTestFinished(() => void Object.defineProperty(process, 'platform', original));
}

/** The id of a process that has ended. */
function endedPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('nodeHost', () => {
  it('a name is claimed by one, and free again when it is released', async () => {
    const name = `holdfast-test-${randomUUID()}`;
    const release = await nodeHost.claimName(name);
    expect(await nodeHost.claimName(name)).toBeUndefined();
    await release!();
    await (await nodeHost.claimName(name))!();
  });

  it('a process has one start time as long as it runs', async () => {
    const startTime = await nodeHost.processStartTime(process.pid);
    expect(startTime).toMatch(/^\d+$/);
    expect(await nodeHost.processStartTime(process.pid)).toBe(startTime);
    expect(await nodeHost.processStartTime(endedPid())).toBeUndefined();
  });
});

describe('nodeHost where there are no abstract sockets', () => {
  it('a name is always free, and a process known by whether it runs', async () => {
    pretendPlatform('darwin');
    const name = `holdfast-test-${randomUUID()}`;
    const releases = [await nodeHost.claimName(name), await nodeHost.claimName(name)];
    for (const release of releases) await release!();
    expect(await nodeHost.processStartTime(process.pid)).toBe('running');
    expect(await nodeHost.processStartTime(endedPid())).toBeUndefined();
  });
});
