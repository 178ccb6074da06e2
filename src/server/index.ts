export { HttpServer, type HttpServerOptions } from './http/http-server.ts';
export { TokenTable } from './http/tokens.ts';
export { volumeRoutes } from './http/volume-routes.ts';
export type {
  BlockExport,
  ExportCatalog,
  ExportListing,
  MaybePromise,
  ReadResult,
  StatusCollector,
  ZeroOptions,
} from './nbd/block-export.ts';
export { MemoryExport, StaticCatalog } from './nbd/memory-export.ts';
export { type NbdAddress, NbdServer, type NbdServerOptions, parseAddress } from './nbd/server.ts';
export { loadTls, type TlsFiles } from './nbd/tls.ts';
export { type Service, type ServiceOptions, startService } from './service.ts';
export { HttpVolumes } from './volumes/http-volumes.ts';
export { StoreCatalog } from './volumes/store-catalog.ts';
export { StoreVolumes } from './volumes/store-volumes.ts';
export type * from './volumes/volume-service.ts';
