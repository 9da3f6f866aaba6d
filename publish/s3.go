package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Target is a place that holds the site. A path is slash-separated, as under the publish folder.
type Target interface {
	Put(ctx context.Context, o Object) error       // the object is there as a whole afterwards, or as it was
	Remove(ctx context.Context, path string) error // what is not there is removed already
}

// Object is one file for a target.
type Object struct {
	Path string
	Headers
	Size int64                         // bytes
	Open func() (io.ReadCloser, error) // its bytes from the start; may be called again after a failure
}

// What can be wrong with a bucket, for errors.Is. The errors name the bucket and what the server said.
var (
	ErrNoBucket = errors.New("there is no such bucket")
	ErrNoKeys   = errors.New("there are no credentials for the object storage")
	ErrKeys     = errors.New("the object storage does not accept the credentials")
	ErrDenied   = errors.New("the credentials give no right to write there")
	ErrClock    = errors.New("this machine's clock differs too much from that of the object storage")
)

var s3Errors = map[string]error{
	minio.NoSuchBucket: ErrNoBucket, minio.InvalidAccessKeyID: ErrKeys, minio.SignatureDoesNotMatch: ErrKeys, "InvalidToken": ErrKeys,
	"ExpiredToken": ErrKeys, "XAdminUserNotFound": ErrKeys /* versitygw's */, minio.AccessDenied: ErrDenied, minio.AllAccessDisabled: ErrDenied, "RequestTimeTooSkewed": ErrClock,
}

// S3Address is where in an object storage a site lies: s3://BUCKET/PREFIX.
type S3Address struct {
	Bucket string
	Prefix string // "", or with a slash at the end
}

// String gives the address as ParseS3 takes it.
func (a S3Address) String() string { return "s3://" + path.Join(a.Bucket, a.Prefix) }

// ParseS3 reads an address such as s3://bucket or s3://bucket/a/prefix/.
func ParseS3(address string) (S3Address, error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	if !ok {
		return S3Address{}, fmt.Errorf("%q does not begin with s3://", address)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return S3Address{}, fmt.Errorf("%q names no bucket: 3 to 63 small letters, digits, dots and hyphens", bucket)
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return S3Address{Bucket: bucket}, nil
	}
	if !fs.ValidPath(prefix) || strings.ContainsAny(prefix, "?#%\\") {
		return S3Address{}, fmt.Errorf("%q is no prefix: names with slashes between them", prefix)
	}
	return S3Address{bucket, prefix + "/"}, nil
}

// S3Options tell how the object storage is reached. The zero value is Amazon's.
type S3Options struct {
	Endpoint string // https://s3.example.org; default: Amazon's
	Region   string // such as eu-west-1; default: the server is asked
}

// Check tells what is wrong with the endpoint.
func (o S3Options) Check() error {
	_, err := o.endpoint()
	return err
}

func (o S3Options) endpoint() (*url.URL, error) {
	u, err := url.Parse(cmp.Or(o.Endpoint, amazon))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no endpoint: https:// and a host", o.Endpoint)
	}
	return u, nil
}

const (
	amazon    = "https://s3.amazonaws.com"
	s3Retries = 5 // with pauses of up to a second: the next publication tries again
)

// S3 is a target in an object storage that speaks Amazon's protocol. Objects are written as private or public as the bucket says.
type S3 struct {
	at     S3Address
	client *minio.Client
}

// NewS3 gives the target at an address. Credentials are looked for where Amazon's own programs do: AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, the file ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE), and the role of
// the machine, unless AWS_EC2_METADATA_DISABLED is true. The bucket is not looked at: the first Put tells whether it is there.
func NewS3(at S3Address, o S3Options) (*S3, error) {
	u, err := o.endpoint()
	if err != nil {
		return nil, err
	}
	keys := s3Keys()
	if v, err := keys.GetWithContext(&credentials.CredContext{Client: http.DefaultClient}); err != nil || v.SignerType.IsAnonymous() {
		return nil, ErrNoKeys
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: keys, Secure: u.Scheme == "https", Region: o.Region, MaxRetries: s3Retries})
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", u.Host, err)
	}
	return &S3{at, client}, nil
}

// String names the place as no other one is named: with its endpoint.
func (s *S3) String() string {
	return s.client.EndpointURL().JoinPath(s.at.Bucket, s.at.Prefix).String()
}

func s3Keys() *credentials.Credentials {
	sources := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
	if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" {
		sources = append(sources, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}})
	}
	return credentials.NewChainCredentials(sources)
}

// Put uploads an object. A web server or browser sees the old one or the new.
func (s *S3) Put(ctx context.Context, o Object) error {
	if !fs.ValidPath(o.Path) {
		return fmt.Errorf("%q is no path", o.Path)
	}
	in, err := o.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = s.client.PutObject(ctx, s.at.Bucket, s.at.Prefix+o.Path, in, o.Size, minio.PutObjectOptions{
		ContentType: o.Type, CacheControl: o.Cache,
		// Without TLS the bytes would be signed piece by piece, which several servers then tell browsers of as the encoding
		// "aws-chunked". A checksum guards them just as well.
		DisableContentSha256: true, SendContentMd5: true,
	})
	return s.explain(o.Path, err)
}

// Remove takes an object away. A bucket that keeps versions keeps the old one, out of sight.
func (s *S3) Remove(ctx context.Context, path string) error {
	return s.explain(path, s.client.RemoveObject(ctx, s.at.Bucket, s.at.Prefix+path, minio.RemoveObjectOptions{}))
}

func (s *S3) explain(path string, err error) error {
	if err == nil {
		return nil
	}
	at := S3Address{s.at.Bucket, s.at.Prefix + path}
	if known, ok := s3Errors[minio.ToErrorResponse(err).Code]; ok {
		return fmt.Errorf("%s: %w (%w)", at, known, err)
	}
	return fmt.Errorf("%s: %w", at, err)
}
