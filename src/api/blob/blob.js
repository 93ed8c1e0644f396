// Placeholder until this folder is written: enough for the bundle to link.
export const is_blob=()=>false, blob_bytes=()=>{}, blob_type=()=>"", make_blob=()=>{};
