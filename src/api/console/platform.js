// How console shows the runtime's own objects, whose state stands in private fields.
import { ObjectGetOwnPropertyDescriptor, ReflectApply } from "../base/primordials.js";
import { Blob, File, is_blob, is_file } from "../blob/blob.js";
import { form_data_list, is_form_data } from "../blob/form_data.js";
import { headers_list, is_headers } from "../fetch/headers.js";
import { Request, is_request } from "../fetch/request.js";
import { Response, is_response } from "../fetch/response.js";
import { URL, is_url } from "../url/url.js";
import { URLSearchParams, is_search_params } from "../url/search_params.js";

// Reads accessors as they were when the snapshot was made.
function fields_of(cls, names, parent = undefined, more = undefined) {
  const getters = [];
  for (let i = 0; i < names.length; i++) {
    getters[i] = ObjectGetOwnPropertyDescriptor(cls.prototype, names[i]).get;
  }
  const rest = parent === undefined ? undefined : fields_of(parent, more);
  return (object) => {
    const fields = { __proto__: null };
    for (let i = 0; i < names.length; i++) fields[names[i]] = ReflectApply(getters[i], object, []);
    return rest === undefined ? fields : { ...fields, __proto__: null, ...rest(object) };
  };
}

function pairs(list, step) {
  const fields = { __proto__: null };
  for (let i = 0; i < list.length; i += step) {
    const name = list[i];
    const value = list[i + 1];
    fields[name] = name in fields &&
      typeof value === "string" ? `${fields[name]}, ${value}` : value;
  }
  return fields;
}

const { toString } = URLSearchParams.prototype;

const classes = [
  { is: is_headers, name: "Headers", fields: (headers) => pairs(headers_list(headers), 3) },
  { is: is_request, name: "Request", fields: fields_of(Request, ["method", "url", "headers", "redirect",
    "bodyUsed"]) },
  { is: is_response, name: "Response", fields: fields_of(Response, ["status", "statusText", "headers", "ok",
    "type", "bodyUsed"]) },
  { is: is_url, name: "URL", fields: fields_of(URL, ["href", "origin", "protocol", "username", "password",
    "host", "hostname", "port", "pathname", "search", "searchParams", "hash"]) },
  { is: is_search_params, name: "URLSearchParams", fields: (params) => ({
    __proto__: null, query: ReflectApply(toString, params, []),
  }) },
  { is: is_file, name: "File", fields: fields_of(File, ["name"], Blob, ["size", "type"]) },
  { is: is_blob, name: "Blob", fields: fields_of(Blob, ["size", "type"]) },
  { is: is_form_data, name: "FormData", fields: (form) => pairs(form_data_list(form), 2) },
];

// {name, fields} of one of ours; undefined of anything else.
export function shown_fields(object) {
  for (let i = 0; i < classes.length; i++) {
    if (classes[i].is(object)) {
      return { __proto__: null, name: classes[i].name, fields: classes[i].fields(object) };
    }
  }
  return undefined;
}
