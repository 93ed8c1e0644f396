// How console shows the runtime's own objects, whose state stands in private fields.
import { ObjectGetOwnPropertyDescriptor, ReflectApply } from "../base/primordials.js";
import { Blob, File, is_blob, is_file } from "../blob/blob.js";
import { form_data_list, is_form_data } from "../blob/form_data.js";
import { headers_list, is_headers } from "../fetch/headers.js";
import { Request, is_request } from "../fetch/request.js";
import { Response, is_response } from "../fetch/response.js";
import { URL, is_url } from "../url/url.js";
import { URLSearchParams, is_search_params } from "../url/search_params.js";
import { show_class_as } from "./inspect.js";

// Reads accessors as they were when the snapshot was made.
function fields_of(cls, names) {
  const getters = [];
  for (let i = 0; i < names.length; i++) {
    getters[i] = ObjectGetOwnPropertyDescriptor(cls.prototype, names[i]).get;
  }
  return (object) => {
    const fields = { __proto__: null };
    for (let i = 0; i < names.length; i++) fields[names[i]] = ReflectApply(getters[i], object, []);
    return fields;
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

show_class_as(is_headers, "Headers", (headers) => pairs(headers_list(headers), 3));
show_class_as(is_request, "Request", fields_of(Request, ["method", "url", "headers", "redirect",
  "bodyUsed"]));
show_class_as(is_response, "Response", fields_of(Response, ["status", "statusText", "headers", "ok",
  "type", "bodyUsed"]));
show_class_as(is_url, "URL", fields_of(URL, ["href"]));
show_class_as(is_search_params, "URLSearchParams", (params) => ({
  __proto__: null, query: ReflectApply(toString, params, []),
}));
show_class_as(is_file, "File", (file) => ({
  __proto__: null, ...fields_of(File, ["name"])(file), ...fields_of(Blob, ["size", "type"])(file),
}));
show_class_as(is_blob, "Blob", fields_of(Blob, ["size", "type"]));
show_class_as(is_form_data, "FormData", (form) => pairs(form_data_list(form), 2));
