export { locationAddress, parseServerAddress, type ServerAddress } from './address.js';
export type { ClusterServer, ClusterTopology, ClusterVolume, ClusterVolumeKind } from './cluster-volumes.js';
export { SeaweedError, type SeaweedErrorCode } from './errors.js';
export {
  type AnnouncedServer,
  type AnnouncedVolume,
  type ServerReport,
  serverHttpAddress,
} from './heartbeat/announced-server.js';
export { createHeartbeat, type Heartbeat, type HeartbeatOptions } from './heartbeat/heartbeat.js';
export type { Registration } from './heartbeat/heartbeat-session.js';
export { defaultSeaweedLimits, type SeaweedLimits } from './limits.js';
export {
  type ClusterListing,
  createMasterClient,
  type LocationChange,
  type MasterClient,
  type MasterClientOptions,
  type VolumeLocation,
} from './master-client.js';
export { createSeaweedLeader, type SeaweedLeaderOptions } from './seaweed-leader.js';
export {
  type ClientSecurity,
  type ClientSecurityOptions,
  clientSecurity,
} from './security/client-security.js';
export type { TlsPaths, Variables } from './security/security-settings.js';
export { type ServerSecurity, serverSecurity } from './security/server-security.js';
