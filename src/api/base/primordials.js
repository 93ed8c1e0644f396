// The built-ins as they were when the snapshot was made. User code that rewrites a prototype or a
// global afterwards reaches none of them. Methods are uncurried: the receiver is the first
// argument. Unused lines cost nothing: the bundler drops them.
const { bind, call } = Function.prototype;
const uncurry = bind.bind(call);
const getter = (object, key) => uncurry(Object.getOwnPropertyDescriptor(object, key).get);
const proto = Object.getPrototypeOf;
const TypedArray = proto(Uint8Array);

// Species and constructor lookups of promises would hand our own promises to code that patched
// them.
Object.defineProperty(Promise.prototype, "constructor", { writable: false, configurable: false });
Object.defineProperty(Promise, Symbol.species, { configurable: false });


// Constructors and namespaces
const Array_ = Array;
const ArrayBuffer_ = ArrayBuffer;
const AggregateError_ = AggregateError;
const BigInt_ = BigInt;
const Boolean_ = Boolean;
const DataView_ = DataView;
const Date_ = Date;
const Error_ = Error;
const EvalError_ = EvalError;
const FinalizationRegistry_ = FinalizationRegistry;
const Function_ = Function;
const Map_ = Map;
const Number_ = Number;
const Object_ = Object;
const Promise_ = Promise;
const Proxy_ = Proxy;
const RangeError_ = RangeError;
const ReferenceError_ = ReferenceError;
const RegExp_ = RegExp;
const Set_ = Set;
const String_ = String;
const Symbol_ = Symbol;
const SyntaxError_ = SyntaxError;
const TypeError_ = TypeError;
const Uint8Array_ = Uint8Array;
const Uint16Array_ = Uint16Array;
const Uint32Array_ = Uint32Array;
const Int32Array_ = Int32Array;
const URIError_ = URIError;
const WeakMap_ = WeakMap;
const WeakRef_ = WeakRef;
const WeakSet_ = WeakSet;
export {
  Array_ as Array,
  ArrayBuffer_ as ArrayBuffer,
  AggregateError_ as AggregateError,
  BigInt_ as BigInt,
  Boolean_ as Boolean,
  DataView_ as DataView,
  Date_ as Date,
  Error_ as Error,
  EvalError_ as EvalError,
  FinalizationRegistry_ as FinalizationRegistry,
  Function_ as Function,
  Map_ as Map,
  Number_ as Number,
  Object_ as Object,
  Promise_ as Promise,
  Proxy_ as Proxy,
  RangeError_ as RangeError,
  ReferenceError_ as ReferenceError,
  RegExp_ as RegExp,
  Set_ as Set,
  String_ as String,
  Symbol_ as Symbol,
  SyntaxError_ as SyntaxError,
  TypeError_ as TypeError,
  Uint8Array_ as Uint8Array,
  Uint16Array_ as Uint16Array,
  Uint32Array_ as Uint32Array,
  Int32Array_ as Int32Array,
  URIError_ as URIError,
  WeakMap_ as WeakMap,
  WeakRef_ as WeakRef,
  WeakSet_ as WeakSet,
};

// Array
export const ArrayIsArray = Array.isArray;

// ArrayBuffer
export const ArrayBufferIsView = ArrayBuffer.isView;

// Date
export const DateNow = Date.now;

// Error
export const ErrorCaptureStackTrace = Error.captureStackTrace;

// JSON
export const JSONParse = JSON.parse;
export const JSONStringify = JSON.stringify;

// Math
export const MathFloor = Math.floor;
export const MathCeil = Math.ceil;
export const MathMin = Math.min;
export const MathMax = Math.max;
export const MathTrunc = Math.trunc;
export const MathAbs = Math.abs;
export const MathRandom = Math.random;
export const MathPow = Math.pow;

// Number
export const NumberIsFinite = Number.isFinite;
export const NumberIsInteger = Number.isInteger;
export const NumberIsNaN = Number.isNaN;
export const NumberIsSafeInteger = Number.isSafeInteger;
export const NumberParseFloat = Number.parseFloat;
export const NumberParseInt = Number.parseInt;

// Object
export const ObjectAssign = Object.assign;
export const ObjectCreate = Object.create;
export const ObjectDefineProperty = Object.defineProperty;
export const ObjectDefineProperties = Object.defineProperties;
export const ObjectEntries = Object.entries;
export const ObjectFreeze = Object.freeze;
export const ObjectGetOwnPropertyDescriptor = Object.getOwnPropertyDescriptor;
export const ObjectGetOwnPropertyNames = Object.getOwnPropertyNames;
export const ObjectGetOwnPropertySymbols = Object.getOwnPropertySymbols;
export const ObjectGetPrototypeOf = Object.getPrototypeOf;
export const ObjectHasOwn = Object.hasOwn;
export const ObjectIs = Object.is;
export const ObjectIsFrozen = Object.isFrozen;
export const ObjectKeys = Object.keys;
export const ObjectSetPrototypeOf = Object.setPrototypeOf;
export const ObjectValues = Object.values;

// Reflect
export const ReflectApply = Reflect.apply;
export const ReflectConstruct = Reflect.construct;
export const ReflectGet = Reflect.get;
export const ReflectSet = Reflect.set;
export const ReflectHas = Reflect.has;
export const ReflectOwnKeys = Reflect.ownKeys;
export const ReflectGetPrototypeOf = Reflect.getPrototypeOf;
export const ReflectGetOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor;
export const ReflectDefineProperty = Reflect.defineProperty;
export const ReflectDeleteProperty = Reflect.deleteProperty;

// String
export const StringFromCharCode = String.fromCharCode;
export const StringFromCodePoint = String.fromCodePoint;

// Symbols
export const SymbolAsyncIterator = Symbol.asyncIterator;
export const SymbolDispose = Symbol.dispose;
export const SymbolAsyncDispose = Symbol.asyncDispose;
export const SymbolHasInstance = Symbol.hasInstance;
export const SymbolIterator = Symbol.iterator;
export const SymbolSpecies = Symbol.species;
export const SymbolToPrimitive = Symbol.toPrimitive;
export const SymbolToStringTag = Symbol.toStringTag;
export const SymbolFor = Symbol.for;

// Array.prototype
export const ArrayPrototypeConcat = /* @__PURE__ */ uncurry(Array.prototype.concat);
export const ArrayPrototypeEvery = /* @__PURE__ */ uncurry(Array.prototype.every);
export const ArrayPrototypeFill = /* @__PURE__ */ uncurry(Array.prototype.fill);
export const ArrayPrototypeFilter = /* @__PURE__ */ uncurry(Array.prototype.filter);
export const ArrayPrototypeForEach = /* @__PURE__ */ uncurry(Array.prototype.forEach);
export const ArrayPrototypeIncludes = /* @__PURE__ */ uncurry(Array.prototype.includes);
export const ArrayPrototypeIndexOf = /* @__PURE__ */ uncurry(Array.prototype.indexOf);
export const ArrayPrototypeJoin = /* @__PURE__ */ uncurry(Array.prototype.join);
export const ArrayPrototypeMap = /* @__PURE__ */ uncurry(Array.prototype.map);
export const ArrayPrototypePop = /* @__PURE__ */ uncurry(Array.prototype.pop);
export const ArrayPrototypePush = /* @__PURE__ */ uncurry(Array.prototype.push);
export const ArrayPrototypeReverse = /* @__PURE__ */ uncurry(Array.prototype.reverse);
export const ArrayPrototypeShift = /* @__PURE__ */ uncurry(Array.prototype.shift);
export const ArrayPrototypeSlice = /* @__PURE__ */ uncurry(Array.prototype.slice);
export const ArrayPrototypeSome = /* @__PURE__ */ uncurry(Array.prototype.some);
export const ArrayPrototypeSort = /* @__PURE__ */ uncurry(Array.prototype.sort);
export const ArrayPrototypeSplice = /* @__PURE__ */ uncurry(Array.prototype.splice);
export const ArrayPrototypeUnshift = /* @__PURE__ */ uncurry(Array.prototype.unshift);

// ArrayBuffer.prototype
export const ArrayBufferPrototypeSlice = /* @__PURE__ */ uncurry(ArrayBuffer.prototype.slice);
export const ArrayBufferPrototypeResize = /* @__PURE__ */ uncurry(ArrayBuffer.prototype.resize);
export const ArrayBufferPrototypeTransfer = /* @__PURE__ */ uncurry(ArrayBuffer.prototype.transfer);
export const ArrayBufferPrototypeGetByteLength =
  /* @__PURE__ */ getter(ArrayBuffer.prototype, "byteLength");
export const ArrayBufferPrototypeGetDetached =
  /* @__PURE__ */ getter(ArrayBuffer.prototype, "detached");
export const ArrayBufferPrototypeGetMaxByteLength =
  /* @__PURE__ */ getter(ArrayBuffer.prototype, "maxByteLength");
export const ArrayBufferPrototypeGetResizable =
  /* @__PURE__ */ getter(ArrayBuffer.prototype, "resizable");

// BigInt.prototype
export const BigIntPrototypeToString = /* @__PURE__ */ uncurry(BigInt.prototype.toString);

// Boolean.prototype
export const BooleanPrototypeValueOf = /* @__PURE__ */ uncurry(Boolean.prototype.valueOf);

// Date.prototype
export const DatePrototypeGetTime = /* @__PURE__ */ uncurry(Date.prototype.getTime);
export const DatePrototypeToISOString = /* @__PURE__ */ uncurry(Date.prototype.toISOString);
export const DatePrototypeToJSON = /* @__PURE__ */ uncurry(Date.prototype.toJSON);

// Error.prototype
export const ErrorPrototypeToString = /* @__PURE__ */ uncurry(Error.prototype.toString);

// FinalizationRegistry.prototype
export const FinalizationRegistryPrototypeRegister =
  /* @__PURE__ */ uncurry(FinalizationRegistry.prototype.register);
export const FinalizationRegistryPrototypeUnregister =
  /* @__PURE__ */ uncurry(FinalizationRegistry.prototype.unregister);

// Function.prototype
export const FunctionPrototypeBind = /* @__PURE__ */ uncurry(Function.prototype.bind);
export const FunctionPrototypeCall = /* @__PURE__ */ uncurry(Function.prototype.call);
export const FunctionPrototypeToString = /* @__PURE__ */ uncurry(Function.prototype.toString);

// Map.prototype
export const MapPrototypeClear = /* @__PURE__ */ uncurry(Map.prototype.clear);
export const MapPrototypeDelete = /* @__PURE__ */ uncurry(Map.prototype.delete);
export const MapPrototypeEntries = /* @__PURE__ */ uncurry(Map.prototype.entries);
export const MapPrototypeForEach = /* @__PURE__ */ uncurry(Map.prototype.forEach);
export const MapPrototypeGet = /* @__PURE__ */ uncurry(Map.prototype.get);
export const MapPrototypeHas = /* @__PURE__ */ uncurry(Map.prototype.has);
export const MapPrototypeKeys = /* @__PURE__ */ uncurry(Map.prototype.keys);
export const MapPrototypeSet = /* @__PURE__ */ uncurry(Map.prototype.set);
export const MapPrototypeValues = /* @__PURE__ */ uncurry(Map.prototype.values);
export const MapPrototypeGetSize = /* @__PURE__ */ getter(Map.prototype, "size");

// Number.prototype
export const NumberPrototypeToString = /* @__PURE__ */ uncurry(Number.prototype.toString);
export const NumberPrototypeValueOf = /* @__PURE__ */ uncurry(Number.prototype.valueOf);
export const NumberPrototypeToFixed = /* @__PURE__ */ uncurry(Number.prototype.toFixed);

// Object.prototype
export const ObjectPrototypeHasOwnProperty =
  /* @__PURE__ */ uncurry(Object.prototype.hasOwnProperty);
export const ObjectPrototypeToString = /* @__PURE__ */ uncurry(Object.prototype.toString);
export const ObjectPrototypeIsPrototypeOf = /* @__PURE__ */ uncurry(Object.prototype.isPrototypeOf);
export const ObjectPrototypePropertyIsEnumerable =
  /* @__PURE__ */ uncurry(Object.prototype.propertyIsEnumerable);

// Promise.prototype
export const PromisePrototypeThen = /* @__PURE__ */ uncurry(Promise.prototype.then);

// RegExp.prototype
export const RegExpPrototypeExec = /* @__PURE__ */ uncurry(RegExp.prototype.exec);
export const RegExpPrototypeToString = /* @__PURE__ */ uncurry(RegExp.prototype.toString);
export const RegExpPrototypeGetSource = /* @__PURE__ */ getter(RegExp.prototype, "source");
export const RegExpPrototypeGetFlags = /* @__PURE__ */ getter(RegExp.prototype, "flags");

// Set.prototype
export const SetPrototypeAdd = /* @__PURE__ */ uncurry(Set.prototype.add);
export const SetPrototypeClear = /* @__PURE__ */ uncurry(Set.prototype.clear);
export const SetPrototypeDelete = /* @__PURE__ */ uncurry(Set.prototype.delete);
export const SetPrototypeForEach = /* @__PURE__ */ uncurry(Set.prototype.forEach);
export const SetPrototypeHas = /* @__PURE__ */ uncurry(Set.prototype.has);
export const SetPrototypeValues = /* @__PURE__ */ uncurry(Set.prototype.values);
export const SetPrototypeGetSize = /* @__PURE__ */ getter(Set.prototype, "size");

// String.prototype
export const StringPrototypeAt = /* @__PURE__ */ uncurry(String.prototype.at);
export const StringPrototypeCharAt = /* @__PURE__ */ uncurry(String.prototype.charAt);
export const StringPrototypeCharCodeAt = /* @__PURE__ */ uncurry(String.prototype.charCodeAt);
export const StringPrototypeCodePointAt = /* @__PURE__ */ uncurry(String.prototype.codePointAt);
export const StringPrototypeEndsWith = /* @__PURE__ */ uncurry(String.prototype.endsWith);
export const StringPrototypeIncludes = /* @__PURE__ */ uncurry(String.prototype.includes);
export const StringPrototypeIndexOf = /* @__PURE__ */ uncurry(String.prototype.indexOf);
export const StringPrototypeIsWellFormed = /* @__PURE__ */ uncurry(String.prototype.isWellFormed);
export const StringPrototypeLastIndexOf = /* @__PURE__ */ uncurry(String.prototype.lastIndexOf);
export const StringPrototypeNormalize = /* @__PURE__ */ uncurry(String.prototype.normalize);
export const StringPrototypePadEnd = /* @__PURE__ */ uncurry(String.prototype.padEnd);
export const StringPrototypePadStart = /* @__PURE__ */ uncurry(String.prototype.padStart);
export const StringPrototypeRepeat = /* @__PURE__ */ uncurry(String.prototype.repeat);
export const StringPrototypeSlice = /* @__PURE__ */ uncurry(String.prototype.slice);
export const StringPrototypeReplaceAll = /* @__PURE__ */ uncurry(String.prototype.replaceAll);
export const StringPrototypeStartsWith = /* @__PURE__ */ uncurry(String.prototype.startsWith);
export const StringPrototypeSubstring = /* @__PURE__ */ uncurry(String.prototype.substring);
export const StringPrototypeToLowerCase = /* @__PURE__ */ uncurry(String.prototype.toLowerCase);
export const StringPrototypeToUpperCase = /* @__PURE__ */ uncurry(String.prototype.toUpperCase);
export const StringPrototypeToWellFormed = /* @__PURE__ */ uncurry(String.prototype.toWellFormed);
export const StringPrototypeTrim = /* @__PURE__ */ uncurry(String.prototype.trim);
export const StringPrototypeValueOf = /* @__PURE__ */ uncurry(String.prototype.valueOf);

// Symbol.prototype
export const SymbolPrototypeToString = /* @__PURE__ */ uncurry(Symbol.prototype.toString);
export const SymbolPrototypeValueOf = /* @__PURE__ */ uncurry(Symbol.prototype.valueOf);
export const SymbolPrototypeGetDescription =
  /* @__PURE__ */ getter(Symbol.prototype, "description");

// WeakMap.prototype
export const WeakMapPrototypeDelete = /* @__PURE__ */ uncurry(WeakMap.prototype.delete);
export const WeakMapPrototypeGet = /* @__PURE__ */ uncurry(WeakMap.prototype.get);
export const WeakMapPrototypeHas = /* @__PURE__ */ uncurry(WeakMap.prototype.has);
export const WeakMapPrototypeSet = /* @__PURE__ */ uncurry(WeakMap.prototype.set);

// WeakRef.prototype
export const WeakRefPrototypeDeref = /* @__PURE__ */ uncurry(WeakRef.prototype.deref);

// WeakSet.prototype
export const WeakSetPrototypeAdd = /* @__PURE__ */ uncurry(WeakSet.prototype.add);
export const WeakSetPrototypeDelete = /* @__PURE__ */ uncurry(WeakSet.prototype.delete);
export const WeakSetPrototypeHas = /* @__PURE__ */ uncurry(WeakSet.prototype.has);

// DataView.prototype
export const DataViewPrototypeGetUint8 = /* @__PURE__ */ uncurry(DataView.prototype.getUint8);
export const DataViewPrototypeGetUint16 = /* @__PURE__ */ uncurry(DataView.prototype.getUint16);
export const DataViewPrototypeGetUint32 = /* @__PURE__ */ uncurry(DataView.prototype.getUint32);
export const DataViewPrototypeSetUint8 = /* @__PURE__ */ uncurry(DataView.prototype.setUint8);
export const DataViewPrototypeSetUint16 = /* @__PURE__ */ uncurry(DataView.prototype.setUint16);
export const DataViewPrototypeSetUint32 = /* @__PURE__ */ uncurry(DataView.prototype.setUint32);
export const DataViewPrototypeGetBuffer = /* @__PURE__ */ getter(DataView.prototype, "buffer");
export const DataViewPrototypeGetByteLength =
  /* @__PURE__ */ getter(DataView.prototype, "byteLength");
export const DataViewPrototypeGetByteOffset =
  /* @__PURE__ */ getter(DataView.prototype, "byteOffset");

// %TypedArray%.prototype
export const TypedArrayPrototypeCopyWithin =
  /* @__PURE__ */ uncurry(TypedArray.prototype.copyWithin);
export const TypedArrayPrototypeFill = /* @__PURE__ */ uncurry(TypedArray.prototype.fill);
export const TypedArrayPrototypeSet = /* @__PURE__ */ uncurry(TypedArray.prototype.set);
export const TypedArrayPrototypeSlice = /* @__PURE__ */ uncurry(TypedArray.prototype.slice);
export const TypedArrayPrototypeSubarray = /* @__PURE__ */ uncurry(TypedArray.prototype.subarray);
export const TypedArrayPrototypeGetBuffer = /* @__PURE__ */ getter(TypedArray.prototype, "buffer");
export const TypedArrayPrototypeGetByteLength =
  /* @__PURE__ */ getter(TypedArray.prototype, "byteLength");
export const TypedArrayPrototypeGetByteOffset =
  /* @__PURE__ */ getter(TypedArray.prototype, "byteOffset");
export const TypedArrayPrototypeGetLength = /* @__PURE__ */ getter(TypedArray.prototype, "length");
// The kind of a typed array ("Uint8Array"), undefined for anything else: works across realms.
export const TypedArrayPrototypeGetSymbolToStringTag = /* @__PURE__ */ getter(
  TypedArray.prototype, Symbol.toStringTag);

// Promises without a lookup on Promise. PromiseResolve of a native promise gives the promise
// itself.
const promise_resolve = Promise.resolve;
const promise_reject = Promise.reject;
export const PromiseResolve = (value) => ReflectApply(promise_resolve, Promise_, [value]);
export const PromiseReject = (reason) => ReflectApply(promise_reject, Promise_, [reason]);
const with_resolvers = Promise.withResolvers;
export const PromiseWithResolvers = () => ReflectApply(with_resolvers, Promise_, []);

// Prototypes that our iterators inherit from.
export const IteratorPrototype = /* @__PURE__ */ proto(proto([][Symbol.iterator]()));
export const AsyncIteratorPrototype = /* @__PURE__ */ proto(
  proto(proto((async function* () {})())));
export const ArrayIteratorPrototypeNext =
  /* @__PURE__ */ uncurry(proto([][Symbol.iterator]()).next);
export const MapIteratorPrototypeNext = /* @__PURE__ */ uncurry(proto(new Map().entries()).next);
export const SetIteratorPrototypeNext = /* @__PURE__ */ uncurry(proto(new Set().values()).next);
export const noop = () => {};
