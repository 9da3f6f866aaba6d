package testtool

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// What a Storage knows: one bucket, and who may write there.
const (
	Bucket    = "news-example"
	AccessKey = "newsroom"
	SecretKey = "a-secret-of-the-newsroom"
)

// Storage is a real object storage, versitygw, with one empty bucket.
type Storage struct {
	Endpoint string // http://HOST:PORT
	dir      string // of the bucket
	client   *minio.Client
}

// NewStorage starts an object storage, which ends with the test.
func NewStorage(t testing.TB) *Storage {
	t.Helper()
	program, root := Need(t, "versitygw"), t.TempDir()
	for _, dir := range []string{"data/" + Bucket, "notes"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	cmd := exec.Command(program, "--quiet", "--port", address, "--access", AccessKey, "--secret", SecretKey,
		"posix", "--sidecar", filepath.Join(root, "notes"), filepath.Join(root, "data"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw: %s", &said)
		}
	})
	waitFor(t, address)
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return &Storage{Endpoint: "http://" + address, dir: filepath.Join(root, "data", Bucket), client: client}
}

// SetKeys gives credentials in the environment, as an operator does, and keeps those of this machine out.
func SetKeys(t testing.TB, access, secret string) {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_ACCESS_KEY": "", "AWS_SECRET_KEY": "",
		"AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_CONFIG_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// Object gives an object of the bucket with its headers. Without it the test ends here.
func (s *Storage) Object(t testing.TB, key string) ([]byte, minio.ObjectInfo) {
	t.Helper()
	o, err := s.client.GetObject(t.Context(), Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	data, err := io.ReadAll(o)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	info, err := o.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return data, info
}

// Objects gives what is in the bucket, by key.
func (s *Storage) Objects(t testing.TB) map[string][]byte {
	t.Helper()
	root, objects := os.DirFS(s.dir), map[string][]byte{} // it keeps each in a file
	err := fs.WalkDir(root, ".", func(key string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		objects[key], err = fs.ReadFile(root, key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// Has tells whether there is an object.
func (s *Storage) Has(key string) bool {
	_, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(key)))
	return err == nil
}

// SetPolicy says who else may do what with the bucket, in Amazon's words.
func (s *Storage) SetPolicy(t testing.TB, policy string) {
	t.Helper()
	if err := s.client.SetBucketPolicy(t.Context(), Bucket, policy); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t testing.TB) string {
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// waitFor returns when somebody listens at the address.
func waitFor(t testing.TB, address string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("nothing listens at %s", address)
}
