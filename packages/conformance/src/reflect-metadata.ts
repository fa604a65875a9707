// @peculiar/x509 finds its algorithms through an injector that asks `Reflect` for metadata, and refuses to load
// where nothing provides it. This provides what it asks for, and nothing beyond.

type Metadata = Map<unknown, unknown>;

const metadataByTarget = new WeakMap<object, Metadata>();

function getOwnMetadata(key: unknown, target: object): unknown {
  return metadataByTarget.get(target)?.get(key);
}

function getMetadata(key: unknown, target: object): unknown {
  for (let owner: object | null = target; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (metadataByTarget.get(owner)?.has(key)) return getOwnMetadata(key, owner);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const metadata: Metadata = metadataByTarget.get(target) ?? new Map();
  metadataByTarget.set(target, metadata.set(key, value));
}

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, {
    defineMetadata,
    getMetadata,
    getOwnMetadata,
    metadata: (key: unknown, value: unknown) => (target: object) => defineMetadata(key, value, target),
  });
}
