// AssetSite as a name, for who only passes it on.
#pragma once

namespace skep::bindings {

class AssetSite;

}  // namespace skep::bindings
