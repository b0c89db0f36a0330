// Command ingress reads a config.yml as cloudflared does, and says which rule each URL meets.
//
// A path rule is a Go regexp, so it is run as one. The types are those of cloudflared 2026.8.2
// (config/configuration.go, and the options of `cloudflared tunnel run` at the top); cloudflared
// passes over a key that it does not know, and here that is a mistake. Rules are met as in
// ingress/ingress.go and ingress/rule.go: the first one whose hostname is the request's and whose
// regexp is found in its path, which is decoded by then.
//
//	ingress config.yml https://name/path ...
//
// It prints {"mistakes": [text], "config": {...}, "rules": [number of the rule for each URL]}.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

type file struct {
	Tunnel          string        `yaml:"tunnel"`
	CredentialsFile string        `yaml:"credentials-file"`
	Ingress         []rule        `yaml:"ingress"`
	OriginRequest   originRequest `yaml:"originRequest"`
	WarpRouting     any           `yaml:"warp-routing"`
	AutoupdateFreq  time.Duration `yaml:"autoupdate-freq"`
	EdgeBindAddress string        `yaml:"edge-bind-address"`
	EdgeIPVersion   string        `yaml:"edge-ip-version"`
	GracePeriod     time.Duration `yaml:"grace-period"`
	Logfile         string        `yaml:"logfile"`
	Loglevel        string        `yaml:"loglevel"`
	Metrics         string        `yaml:"metrics"`
	NoAutoupdate    bool          `yaml:"no-autoupdate"`
	Pidfile         string        `yaml:"pidfile"`
	PostQuantum     bool          `yaml:"post-quantum"`
	Protocol        string        `yaml:"protocol"`
	Region          string        `yaml:"region"`
	Retries         uint          `yaml:"retries"`
}

type rule struct {
	Hostname      string        `yaml:"hostname"`
	Path          string        `yaml:"path"`
	Service       string        `yaml:"service"`
	OriginRequest originRequest `yaml:"originRequest"`
}

type originRequest struct {
	Access                 *access       `yaml:"access"`
	BastionMode            bool          `yaml:"bastionMode"`
	CAPool                 string        `yaml:"caPool"`
	ConnectTimeout         time.Duration `yaml:"connectTimeout"`
	DisableChunkedEncoding bool          `yaml:"disableChunkedEncoding"`
	HTTP2Origin            bool          `yaml:"http2Origin"`
	HTTPHostHeader         string        `yaml:"httpHostHeader"`
	IPRules                []any         `yaml:"ipRules"`
	KeepAliveConnections   int           `yaml:"keepAliveConnections"`
	KeepAliveTimeout       time.Duration `yaml:"keepAliveTimeout"`
	MatchSNIToHost         bool          `yaml:"matchSNItoHost"`
	NoHappyEyeballs        bool          `yaml:"noHappyEyeballs"`
	NoTLSVerify            bool          `yaml:"noTLSVerify"`
	OriginServerName       string        `yaml:"originServerName"`
	ProxyAddress           string        `yaml:"proxyAddress"`
	ProxyPort              uint          `yaml:"proxyPort"`
	ProxyType              string        `yaml:"proxyType"`
	TCPKeepAlive           time.Duration `yaml:"tcpKeepAlive"`
	TLSTimeout             time.Duration `yaml:"tlsTimeout"`
}

type access struct {
	AudTag      []string `yaml:"audTag"`
	Environment string   `yaml:"environment"`
	Required    bool     `yaml:"required"`
	TeamName    string   `yaml:"teamName"`
}

func main() {
	mistakes := []string{}
	mistake := func(text string, more ...any) { mistakes = append(mistakes, fmt.Sprintf(text, more...)) }
	config := read(os.Args[1], mistake)
	paths := check(config, mistake)
	met := []int{}
	for _, text := range os.Args[2:] {
		asked, err := url.Parse(text)
		if err != nil {
			mistake("%s is no URL: %v", text, err)
			continue
		}
		met = append(met, meet(config.Ingress, paths, asked.Host, asked.Path))
	}
	answer := map[string]any{"mistakes": mistakes, "config": config, "rules": met}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func read(path string, mistake func(string, ...any)) file {
	var config file
	opened, err := os.Open(path)
	if err != nil {
		mistake("%v", err)
		return config
	}
	defer opened.Close()
	decoder := yaml.NewDecoder(opened)
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		mistake("%v", err)
	}
	return config
}

// check holds the rules to what cloudflared asks of them; it answers their regexps.
func check(config file, mistake func(string, ...any)) []*regexp.Regexp {
	paths := make([]*regexp.Regexp, len(config.Ingress))
	if len(config.Ingress) == 0 {
		mistake("there is no rule")
	}
	for at, one := range config.Ingress {
		matchesAll := (one.Hostname == "" || one.Hostname == "*") && one.Path == ""
		if isLast := at == len(config.Ingress)-1; matchesAll != isLast {
			mistake("rule %d: the last rule, and no other, matches everything", at)
		}
		if _, _, err := net.SplitHostPort(one.Hostname); err == nil {
			mistake("rule %d: a hostname has no port", at)
		}
		if !strings.HasPrefix(one.Service, "http_status:") {
			to, err := url.Parse(one.Service)
			if err != nil || to.Scheme == "" || to.Hostname() == "" || to.Path != "" {
				mistake("rule %d: %q is no address of a service", at, one.Service)
			}
		}
		if guard := one.OriginRequest.Access; guard != nil && guard.TeamName == "" && len(guard.AudTag) > 0 {
			mistake("rule %d: tags without a team", at)
		}
		if one.Path != "" {
			compiled, err := regexp.Compile(one.Path)
			if err != nil {
				mistake("rule %d: %v", at, err)
			}
			paths[at] = compiled
		}
	}
	return paths
}

func meet(rules []rule, paths []*regexp.Regexp, host, path string) int {
	if alone, _, err := net.SplitHostPort(host); err == nil {
		host = alone
	}
	for at, one := range rules {
		isHost := one.Hostname == "" || one.Hostname == "*" || one.Hostname == host ||
			strings.HasPrefix(one.Hostname, "*.") && strings.HasSuffix(host, one.Hostname[1:])
		if isHost && (paths[at] == nil || paths[at].MatchString(path)) {
			return at
		}
	}
	return len(rules) - 1
}
