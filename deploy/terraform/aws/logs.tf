resource "aws_cloudwatch_log_group" "service" {
  # checkov:skip=CKV_AWS_338: a year is the default, and how long logs are kept is the caller's to say (log_days)
  for_each = toset(concat(keys(local.services), ["once"]))

  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = var.tags
}

resource "aws_cloudwatch_log_group" "flows" {
  # checkov:skip=CKV_AWS_338: as above
  name              = "/${var.name}/flows"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = var.tags
}
