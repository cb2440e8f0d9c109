// Counts its requests, as a server of HTTP.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

var n int

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { n++; fmt.Fprint(w, n) })
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
