// node:util/types.
import { own_ops } from "../parts/own_ops.js";

const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag).get;
const tag_of = (value) => tag.call(value);

const { isArrayBuffer, isBigIntObject, isBooleanObject, isNumberObject, isSharedArrayBuffer,
  isStringObject, isSymbolObject } = own_ops;

const types = {
  ...own_ops,
  isAnyArrayBuffer: (value) => isArrayBuffer(value) || isSharedArrayBuffer(value),
  isArrayBufferView: (value) => ArrayBuffer.isView(value),
  isBoxedPrimitive: (value) => isNumberObject(value) || isStringObject(value) ||
    isBooleanObject(value) || isBigIntObject(value) || isSymbolObject(value),
  isTypedArray: (value) => tag_of(value) !== undefined,
  isCryptoKey: (value) => Object.prototype.toString.call(value) === "[object CryptoKey]",
  isKeyObject: (value) => value?.[Symbol.for("skep.key_object")] === true,
  isEventTarget: (value) => value instanceof EventTarget,
};
for (const name of ["Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "Int8Array",
  "Int16Array", "Int32Array", "Float16Array", "Float32Array", "Float64Array", "BigInt64Array",
  "BigUint64Array"]) {
  types[`is${name}`] = (value) => tag_of(value) === name;
}

export { types };
export default types;
