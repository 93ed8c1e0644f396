// Placeholder until this folder is written: enough for the bundle to link.
export const is_form_data=()=>false, encode_form_data=()=>{}, parse_form_data=()=>{};
