# The demo, step by step: see docs/cli.md. All flags are passed on, such as --auto.
Set-Location $PSScriptRoot
if (-not (Test-Path node_modules)) { npm ci; if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE } }
npx --no-install lockstep demo @args
exit $LASTEXITCODE
