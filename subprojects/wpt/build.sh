# Nothing is built. The folders that tools/conformance runs, what their tests include, and the server.
folders=(
  LICENSE.md FileAPI WebCryptoAPI common compression console dom encoding eventsource fetch hr-time
  html/resources html/webappapis images interfaces media/test-av-384k-44100Hz-1ch-320x240-30fps-10kfr.webm
  mimesniff performance-timeline resource-timing resources streams url urlpattern user-timing wasm/jsapi
  wasm/resources webidl webmessaging websockets xhr tools/wptserve/wptserve
  tools/third_party/{h2,hpack,hyperframe}/src tools/third_party/pywebsocket3/pywebsocket3
)
tests="firefox-$version/testing/web-platform/tests"
mkdir wpt
tar -xf "$SOURCES/firefox-esr_${version}esr.orig.tar.xz" --strip-components=4 --no-same-owner -C wpt \
  "${folders[@]/#/$tests/}"
find wpt -name '*.html' -path '*/legacy-mb-*' -delete # 18 MB of pages that no script includes
install_licence wpt/LICENSE.md
mv wpt "$OUT/wpt"
