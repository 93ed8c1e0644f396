// What takes long in Web Crypto gives others their turn and ends at the worker's CPU limit.
#include <gtest/gtest.h>

#include "api/testing/harness.h"

namespace skep::api::testing {
namespace {

// A worker that runs `code` in each request, beside one that answers at once.
void expect_others_answer(const std::string& code) {
  Worker hog({.cpu_ms = 150}), other;
  ASSERT_EQ(hog.load("const { subtle } = crypto;"
                     "export default { async fetch() { " +
                     code + " return new Response('done'); } };"),
            "");
  ASSERT_EQ(other.load("export default { fetch() { return new Response('fine'); } };"), "");
  Exchange busy;
  hog.start(busy);
  EXPECT_FALSE(busy.ended) << "nothing was suspended";
  EXPECT_EQ(other.get(), "fine");
  ASSERT_TRUE(hog.run_until([&] { return busy.ended; }));
  ASSERT_TRUE(busy.failed);
  EXPECT_EQ(busy.failed->outcome, Outcome::exceeded_cpu);
}

TEST(Crypto, PasswordsOfManyIterations) {
  expect_others_answer(
      "const key = await subtle.importKey('raw', new Uint8Array(1), 'PBKDF2', false, "
      "  ['deriveBits']);"
      "await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8),"
      "  iterations: 0xffffffff }, key, 8);");
}

TEST(Crypto, PasswordsOfManyBlocks) {
  expect_others_answer(
      "const key = await subtle.importKey('raw', new Uint8Array(1), 'PBKDF2', false, "
      "  ['deriveBits']);"
      "for (;;) await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: new Uint8Array(8),"
      "  iterations: 1 }, key, 8 * 1024 * 1024);");
}

TEST(Crypto, RsaKeys) {
  expect_others_answer(
      "for (;;) await subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 4096,"
      "  publicExponent: new Uint8Array([1, 0, 1]) }, false, ['sign']);");
}

TEST(Crypto, LongData) {
  expect_others_answer(
      "const data = new Uint8Array(64 << 20);"
      "for (;;) await subtle.digest('SHA-512', data);");
}

TEST(Crypto, RandomnessNeedsARequest) {
  Worker worker;
  EXPECT_NE(worker
                .load("await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true,"
                      "  ['encrypt']); export default {};")
                .find("Disallowed operation called within global scope"),
            std::string::npos);
  Worker digests;
  EXPECT_EQ(digests.load("await crypto.subtle.digest('SHA-1', new Uint8Array(3));"
                         "export default {};"),
            "");
}

TEST(Crypto, PatchedPrototypesSeeNoKeys) {
  Worker worker;
  ASSERT_EQ(
      worker.load(
          "const { subtle } = crypto; const seen = [];"
          "for (const name of ['id', 'type', 'algorithm', 'hash', 'length', 'namedCurve', 'alg',"
          "  'toJSON', 'usages', 'record'])"
          "  Object.defineProperty(Object.prototype, name, { configurable: true,"
          "    set() { seen.push('set ' + name); }, get() { return undefined; } });"
          "Array.prototype.push = Array.prototype.slice = Array.prototype.indexOf ="
          "  Uint8Array.prototype.slice = ArrayBuffer.prototype.slice ="
          "  String.prototype.toUpperCase = () => { throw new Error('called'); };"
          "JSON.stringify = JSON.parse = (x) => { seen.push('json'); };"
          "export default { async fetch() {"
          "  const how = { name: 'AES-GCM', iv: new Uint8Array(12) };"
          "  const make = (name) => Object.defineProperties({ name }, {"
          "    length: { value: 128, configurable: true } });"
          "  const kek = await subtle.generateKey(make('AES-GCM'), false,"
          "    ['wrapKey', 'unwrapKey']);"
          "  const key = await subtle.generateKey(make('AES-CBC'), true, ['encrypt']);"
          "  const wrapped = await subtle.wrapKey('jwk', key, kek, how);"
          "  const back = await subtle.unwrapKey('jwk', wrapped, kek, how, 'AES-CBC', true,"
          "    ['encrypt']);"
          "  const a = new Uint8Array(await subtle.exportKey('raw', key));"
          "  const b = new Uint8Array(await subtle.exportKey('raw', back));"
          "  return new Response(String(a) === String(b) ? 'same ' + seen.length : 'differs');"
          "} };"),
      "");
  EXPECT_EQ(worker.get(), "same 0");
}

}  // namespace
}  // namespace skep::api::testing
