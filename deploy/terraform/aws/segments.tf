# Segments as Parquet files, which PostgreSQL names. They are removed by Cordwood alone (CORDWOOD_STORE_RETENTION_DAYS).

locals {
  segments_prefix = var.name
}

resource "aws_s3_bucket" "segments" {
  # checkov:skip=CKV_AWS_144: a copy in another region is a decision about disasters, and its price; versions are kept
  # checkov:skip=CKV_AWS_18: only the tasks' roles reach it, and CloudTrail can record data events where that is asked for
  # checkov:skip=CKV2_AWS_62: nothing waits for new objects; PostgreSQL says which ones count
  bucket_prefix = "${var.name}-segments-"
  force_destroy = !var.deletion_protection
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "segments" {
  bucket = aws_s3_bucket.segments.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "segments" {
  bucket = aws_s3_bucket.segments.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "segments" {
  bucket = aws_s3_bucket.segments.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "segments" {
  bucket = aws_s3_bucket.segments.id

  versioning_configuration {
    status = "Enabled"
  }
}

# No rule may touch what is current: a segment that expired behind PostgreSQL's back is damage.
resource "aws_s3_bucket_lifecycle_configuration" "segments" {
  bucket = aws_s3_bucket.segments.id

  rule {
    id     = "versions-of-removed-segments"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.segment_versions_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  depends_on = [aws_s3_bucket_versioning.segments]
}

resource "aws_s3_bucket_policy" "segments" {
  bucket = aws_s3_bucket.segments.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EncryptedConnectionsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.segments.arn, "${aws_s3_bucket.segments.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.segments]
}
