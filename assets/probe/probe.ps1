# The first python there is runs the probe; without one, that is what is told.
param([string]$Probe, [string]$Variant, [string]$Packages)
foreach ($name in @("python", "python3", "py")) {
    $found = Get-Command $name -ErrorAction SilentlyContinue
    if ($found) {
        & $found.Source $Probe $Variant $Packages
        exit $LASTEXITCODE
    }
}
Write-Output 'studiolink-probe {"error": "no python on PATH", "ok": false, "reading": "worker", "v": 1}'
Write-Output 'studiolink-probe {"ok": true, "reading": "end", "v": 1}'
exit 0
