#include "broker/tls_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/assert.h"
#include "base/limits_tls.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "config/files.h"
#include "net/tls/tickets.h"

namespace skep::broker {
namespace {

constexpr int64_t kDaySeconds = 24 * 3600;
constexpr int64_t kRenewBeforeSeconds = 7 * kDaySeconds;
// Where Linux distributions keep their bundle: Debian, Fedora and RHEL, Alpine and openSUSE.
constexpr const char* kRootBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
                                        "/etc/ssl/ca-bundle.pem"};

Result<> write_file(const std::string& path, const std::string& text, mode_t mode) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return fail_errno(path, errno);
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) return fail_errno(path, errno);
  return {};
}

kj::ArrayPtr<const kj::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

rpc::ClientAuth wire_of(config::ClientAuth auth) {
  switch (auth) {
    case config::ClientAuth::none:
      return rpc::ClientAuth::NONE;
    case config::ClientAuth::optional:
      return rpc::ClientAuth::OPTIONAL;
    case config::ClientAuth::require:
      return rpc::ClientAuth::REQUIRE;
  }
  return rpc::ClientAuth::NONE;
}

void warn_of_dates(const std::string& path, const net::tls::CertificateChain& chain) {
  const int64_t now = time(nullptr);
  if (now >= chain.not_after_s) {
    log_warn("{}: the certificate has expired", path);
  } else if (now + kRenewBeforeSeconds > chain.not_after_s) {
    log_warn("{}: the certificate expires in {} days", path,
             (chain.not_after_s - now) / kDaySeconds);
  } else if (now < chain.not_before_s) {
    log_warn("{}: the certificate is not valid yet", path);
  }
}

}  // namespace

Result<TlsStore::Identity> TlsStore::read(const config::CertificateFiles& files) {
  Identity identity;
  SKEP_TRY_ASSIGN(const std::string cert,
                  config::read_text_file(files.cert, limits::kCertificateFileBytes));
  auto chain = net::tls::read_certificate_chain(cert);
  if (!chain) return wrap(files.cert, std::move(chain).error());
  identity.chain = std::move(*chain);
  SKEP_TRY_ASSIGN(const std::string key,
                  config::read_text_file(files.key, limits::kCertificateFileBytes));
  auto parsed = net::tls::PrivateKey::from_pem(key);
  if (!parsed) return wrap(files.key, std::move(parsed).error());
  identity.key = std::move(*parsed);
  if (!identity.key->matches(identity.chain.der.front()))
    return fail(
        fmt::format("{}: the key is not that of the certificate in {}", files.key, files.cert));
  if (!files.ocsp.empty()) {
    SKEP_TRY_ASSIGN(identity.ocsp,
                    config::read_text_file(files.ocsp, limits::kCertificateFileBytes));
  }
  identity.client_auth = files.client_auth;
  if (!files.client_ca.empty()) {
    SKEP_TRY_ASSIGN(const std::string roots,
                    config::read_text_file(files.client_ca, limits::kCertificateFileBytes));
    auto certificates = net::tls::read_certificates(roots);
    if (!certificates) return wrap(files.client_ca, std::move(certificates).error());
    identity.client_ca = std::move(*certificates);
  }
  warn_of_dates(files.cert, identity.chain);
  return identity;
}

Result<std::vector<TlsStore::Identity>> TlsStore::read_all(
    const std::vector<config::CertificateFiles>& files) {
  std::vector<Identity> identities;
  for (const config::CertificateFiles& one : files) {
    auto identity = read(one);
    if (!identity && one.line != 0)
      return wrap(fmt::format("[[certificate]] in line {}", one.line), std::move(identity).error());
    if (!identity) return std::unexpected(std::move(identity).error());
    identities.push_back(std::move(*identity));
  }
  return identities;
}

Result<std::unique_ptr<TlsStore>> TlsStore::load(std::vector<config::CertificateFiles> files) {
  auto store = std::unique_ptr<TlsStore>(new TlsStore(std::move(files)));
  SKEP_TRY_ASSIGN(auto identities, read_all(store->files_));
  store->take(std::move(identities));
  store->add_ticket_key();
  return store;
}

// Handshakes that began before a reload are signed with the keys of then.
void TlsStore::take(std::vector<Identity> identities) {
  before_ = std::exchange(identities_, std::move(identities));
  for (Identity& identity : identities_) identity.number = next_number_++;
}

const net::tls::PrivateKey* TlsStore::find_key(uint32_t number) const {
  for (const auto* identities : {&identities_, &before_}) {
    // Their numbers follow each other.
    if (identities->empty() || number < identities->front().number) continue;
    const size_t place = number - identities->front().number;
    if (place < identities->size()) return (*identities)[place].key.get();
  }
  return nullptr;
}

void TlsStore::add_ticket_key() {
  std::string key(net::tls::kTicketKeyBytes, '\0');
  SKEP_ASSERT(getrandom(key.data(), key.size(), 0) == static_cast<ssize_t>(key.size()));
  ticket_keys_.insert(ticket_keys_.begin(), std::move(key));
  if (ticket_keys_.size() > limits::kTicketKeys) ticket_keys_.pop_back();
}

void TlsStore::rotate() {
  add_ticket_key();
  rotation_->set_ms(limits::kTicketKeyMs);
  on_change_();
}

Result<> TlsStore::start(loop::Loop& loop, std::function<void()> on_change) {
  on_change_ = std::move(on_change);
  if (identities_.empty()) return {};
  rotation_.emplace(loop, [this] { rotate(); });
  rotation_->set_ms(limits::kTicketKeyMs);
  SKEP_TRY_ASSIGN(watcher_,
                  Watcher::create(loop, [this](const std::vector<std::string>&) { reload(); }));
  std::vector<std::string> paths;
  for (const config::CertificateFiles& files : files_)
    for (const std::string* path : {&files.cert, &files.key, &files.ocsp, &files.client_ca})
      if (!path->empty()) paths.push_back(*path);
  watcher_->watch(paths);
  return {};
}

void TlsStore::reload() {
  if (files_.empty()) return;
  auto identities = read_all(files_);
  if (!identities) {
    log_error("the certificates stay as they were: {}", identities.error().message);
    return;
  }
  take(std::move(*identities));
  log_info("certificates read again");
  on_change_();
}

void TlsStore::write(rpc::TlsConfig::Builder to) const {
  auto list = to.initCertificates(static_cast<unsigned>(identities_.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const Identity& identity = identities_[i];
    auto chain = list[i].initChain(static_cast<unsigned>(identity.chain.der.size()));
    for (unsigned k = 0; k < chain.size(); ++k) chain.set(k, bytes_of(identity.chain.der[k]));
    auto names = list[i].initNames(static_cast<unsigned>(identity.chain.names.size()));
    for (unsigned k = 0; k < names.size(); ++k) names.set(k, identity.chain.names[k].c_str());
    list[i].setOcsp(bytes_of(identity.ocsp));
    list[i].setClientAuth(wire_of(identity.client_auth));
    auto roots = list[i].initClientCa(static_cast<unsigned>(identity.client_ca.size()));
    for (unsigned k = 0; k < roots.size(); ++k) roots.set(k, bytes_of(identity.client_ca[k]));
    list[i].setKey(identity.number);
  }
  auto keys = to.initTicketKeys(static_cast<unsigned>(ticket_keys_.size()));
  for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, bytes_of(ticket_keys_[i]));
}

Result<std::string> read_trusted_roots() {
  for (const char* path : kRootBundles) {
    auto text = config::read_text_file(path, limits::kRootStoreBytes);
    if (text) return text;
  }
  return fail(fmt::format("no trusted certificates were found ({}): install ca-certificates",
                          fmt::join(kRootBundles, ", ")));
}

Result<std::string> read_certificates(const std::string& path) {
  return config::read_text_file(path, limits::kRootStoreBytes);
}

Result<config::CertificateFiles> development_certificate(const std::string& folder) {
  config::CertificateFiles files{.cert = folder + "/localhost.pem",
                                 .key = folder + "/localhost.key"};
  const auto text = config::read_text_file(files.cert, limits::kCertificateFileBytes);
  const auto chain = text ? net::tls::read_certificate_chain(*text)
                          : Result<net::tls::CertificateChain>(fail("none"));
  if (chain && access(files.key.c_str(), R_OK) == 0 &&
      chain->not_after_s > time(nullptr) + kRenewBeforeSeconds)
    return files;
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(folder, errno);
  const net::tls::SelfSigned made = net::tls::make_self_signed(
      {"localhost", "*.localhost", "*.workers.localhost", "127.0.0.1", "::1"});
  SKEP_TRY(write_file(files.key, made.key_pem, 0600));
  SKEP_TRY(write_file(files.cert, made.certificate_pem, 0644));
  return files;
}

}  // namespace skep::broker
