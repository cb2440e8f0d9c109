// Serves a file over HTTP. It stands alone, since its packages take long to compile.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
)

func init() {
	further["http"] = served
}

func served(source string) []byte {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: http.FileServer(http.Dir(filepath.Dir(source)))}
	go server.Serve(listener)
	defer server.Close()
	answer := must(http.Get(fmt.Sprintf("http://%s/%s", listener.Addr(), filepath.Base(source))))
	defer answer.Body.Close()
	return must(io.ReadAll(answer.Body))
}
