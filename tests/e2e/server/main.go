// Package main is kube-apiserver and etcd in one binary, so that the end-to-end tests build and cache one file.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: e2e kube-apiserver|etcd FLAGS")
		os.Exit(2)
	}
	// Both programs read their flags from os.Args, and take the first argument for their own name.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(app.NewAPIServerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "neither kube-apiserver nor etcd: %q\n", os.Args[0])
		os.Exit(2)
	}
}
