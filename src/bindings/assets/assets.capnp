# Static assets between a shard and the broker: the capability to open the files of one version of a
# worker's assets, and nothing else. Part of skep.capnp.
@0xa97d0e42c6b1583f;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skep::rpc");

interface AssetSite {
  open @0 (index :UInt32) -> (file :AssetFile, size :UInt64, mtimeMs :UInt64, etag :Text);
  # The file of that place in the manifest. Fails where it is gone, is no regular file any more, or
  # has become too large. etag: a hash of its content, hexadecimal.
}

interface AssetFile {
  # A file, or the manifest; rides along (getFd), open for reading.
}

struct Assets {
  site @0 :AssetSite;
  manifest @1 :AssetFile;            # of paths (manifest.h); sealed, to be mapped
  manifestBytes @2 :UInt64;
  html @3 :Html;
  notFound @4 :NotFound;
  workerFirst @5 :Bool;
  workerFirstRules @6 :List(Text);   # "/api/*", "!/api/docs/*"
  headers @7 :List(HeaderRule);
  redirects @8 :List(Redirect);      # those that are not dynamic come first
  hasWorker @9 :Bool;                # else there are only assets

  enum Html { autoTrailingSlash @0; forceTrailingSlash @1; dropTrailingSlash @2; none @3; }
  enum NotFound { none @0; page404 @1; singlePageApplication @2; }

  struct HeaderRule {
    host @0 :Text;                   # "": every host
    path @1 :Text;
    changes @2 :List(Change);
    struct Change {
      name @0 :Text;
      value @1 :Text;
      remove @2 :Bool;
    }
  }

  struct Redirect {
    from @0 :Text;
    to @1 :Text;
    status @2 :UInt16;               # 200: a rewrite
    dynamic @3 :Bool;
  }
}
