// Placeholder until this folder is written: enough for the bundle to link.
export const is_readable_stream = () => false;
export const new_byte_stream = () => { throw new Error("stub") };
export const byte_enqueue=()=>{}, byte_close=()=>{}, byte_error=()=>{}, is_locked=()=>false, is_disturbed=()=>false, acquire_reader=()=>{}, reader_read=()=>{}, reader_cancel=()=>{}, reader_release=()=>{}, tee_stream=()=>{}, stream_from=()=>{}, stream_expected_length=()=>undefined;
